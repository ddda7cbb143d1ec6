"""Published vectors: what we build on computes what the standards say."""

from hmac import digest

import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pseudonymiser.canonical import Identity
from pseudonymiser.holders import Holder
from pseudonymiser.pseudonyms import _hasher
from pseudonymiser.vault import Vault, info, pad
from service.records.identities import Mode

ODE = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
BEAUTY = b"Beauty is truth, truth beauty"
# RFC 9180, appendices A.1.1 and A.2.1, sequence number 0: skRm, enc, ct
A1 = (
    "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
)
A2 = (
    "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
    "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a",
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
)
AEADS: dict[int, tuple[AEAD, int, type[AESGCM | ChaCha20Poly1305]]] = {
    1: (AEAD.AES_128_GCM, 16, AESGCM),
    2: (AEAD.AES_256_GCM, 32, AESGCM),
    3: (AEAD.CHACHA20_POLY1305, 32, ChaCha20Poly1305),
}


def opened(private: bytes, enc: bytes, ct: bytes, bound: bytes, aad: bytes, aead: int) -> bytes:
    """RFC 9180 written down once more: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256."""

    def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    def expand(suite: bytes, prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return HKDFExpand(algorithm=SHA256(), length=length, info=text).derive(prk)

    key = X25519PrivateKey.from_private_bytes(private)
    kem, hpke = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01" + aead.to_bytes(2, "big")
    shared = key.exchange(X25519PublicKey.from_public_bytes(enc))
    context = enc + key.public_key().public_bytes_raw()
    shared = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", context, 32)
    schedule = b"\x00" + extract(hpke, b"", b"psk_id_hash", b"") + extract(hpke, b"", b"info_hash", bound)
    secret = extract(hpke, shared, b"secret", b"")
    _, length, cipher = AEADS[aead]
    nonce = expand(hpke, secret, b"base_nonce", schedule, 12)
    return cipher(expand(hpke, secret, b"key", schedule, length)).decrypt(nonce, ct, aad)


@pytest.mark.parametrize(("vector", "aead"), [(A1, 1), (A2, 3)])
def test_rfc_9180(vector: tuple[str, str, str], aead: int) -> None:
    """The ephemeral key cannot be given to the library, so it is the opening that is compared."""
    private, enc, ct = map(bytes.fromhex, vector)
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEADS[aead][0])
    key = X25519PrivateKey.from_private_bytes(private)
    # The vectors have additional data, for which the library has a door of its own tests only.
    assert openssl.hpke._decrypt_with_aad(suite, enc + ct, key, ODE, b"Count-0") == BEAUTY
    assert opened(private, enc, ct, ODE, b"Count-0", aead) == BEAUTY


def test_what_the_vault_seals_is_rfc_9180_with_aes_256_gcm() -> None:
    """Opened by the second writing of the standard, which the vectors above vouch for."""
    private = bytes(range(32))
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    holder, name, person = Holder("desk-1", public), "u1_" + "a" * 24, Identity("", "jdoe")
    blob = Vault([holder], "1", Mode.ONE).seal(name, person).shares[0].sealed
    bound = info("1", name, holder.id)
    assert bound == f"journalguard-vault|v1|1|{name}|{holder.id}".encode()
    assert opened(private, blob[:32], blob[32:], bound, b"", 2) == pad(person)


def test_rfc_5869_test_case_1() -> None:
    prk = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    okm = HKDFExpand(algorithm=SHA256(), length=42, info=bytes(range(0xF0, 0xFA))).derive(prk)
    assert okm.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


@pytest.mark.parametrize(
    ("key", "data", "mac"),
    [
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_rfc_4231(key: bytes, data: bytes, mac: str) -> None:
    assert _hasher(key)(data).hex() == mac


def test_rfc_9106_argon2id() -> None:
    kdf = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    )
    tag = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    assert kdf.derive(b"\x01" * 32).hex() == tag
