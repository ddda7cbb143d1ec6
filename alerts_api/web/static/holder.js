// A key-holder's key in the browser: opens what pseudonymiser/vault.py sealed. Asks nothing of any server.
"use strict";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, argon2idAsync } from "./vendor/sealing.js";

const WRONG = "The passphrase is wrong, or the file was changed.";
const text = new TextEncoder();
const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const base64 = (data) => btoa(String.fromCharCode(...new Uint8Array(data)));
const hex = (data) => [...new Uint8Array(data)].map((b) => b.toString(16).padStart(2, "0")).join("");

export class Holder {
  constructor(id, key) { this.id = id; this.key = key; }

  // A key file of version 1: see pseudonymiser/wrapping.py.
  static async unlock(file, passphrase) {
    if (file.format !== "journalguard-holder-key" || file.version !== 1 || file.kdf !== "argon2id") {
      throw new Error("This is no key file, or one of another version: use the command.");
    }
    const { cost } = file, salt = bytes(file.salt), nonce = bytes(file.nonce), mine = bytes(file.public);
    const made = await argon2idAsync(text.encode(passphrase.normalize("NFC")), salt,
      { m: cost.kib, t: cost.iterations, p: cost.lanes, dkLen: 32 });
    const bound = [file.format, file.version, file.label, hex(mine), file.kdf,
      cost.kib, cost.iterations, cost.lanes, hex(salt), hex(nonce)].join("|");
    const wrapping = await crypto.subtle.importKey("raw", made, "AES-GCM", false, ["decrypt"]);
    let secret;
    try {
      secret = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: text.encode(bound) }, wrapping, bytes(file.sealed));
    } catch { throw new Error(WRONG); }
    const tagged = new Uint8Array([...text.encode("journalguard-holder|v1|"), ...mine]);
    const id = hex(await crypto.subtle.digest("SHA-256", tagged)).slice(0, 16);
    const key = await suite.kem.importKey("raw", secret, false);
    return new Holder(id, key);
  }

  async unseal(sealed, record, slot) {
    const info = text.encode(`journalguard-vault|v1|${record.epoch}|${record.pseudonym}|${slot}`);
    const all = bytes(sealed);
    try {
      return await suite.open({ recipientKey: this.key, enc: all.slice(0, 32), info }, all.slice(32));
    } catch { throw new Error("It does not open: changed, or sealed for another account."); }
  }

  // The name; or, as the first of two, what the second opens.
  async open(record) {
    if (record.v !== 1) throw new Error("This is of another version: use the command.");
    if (record.kind === "half-opened") return { name: await this.second(record) };
    if (record.mode === "two") return { half: await this.first(record) };
    const share = record.shares.find((each) => each.holders.length === 1 && each.holders[0] === this.id);
    if (!share) throw this.notMine();
    return { name: await this.unseal(share.sealed, record, this.id) };
  }

  async first(record) {
    const mine = record.shares.filter((each) => each.holders.length === 2 && each.holders[0] === this.id);
    if (!mine.length) throw this.notMine();
    const shares = [];
    for (const { holders, sealed } of mine) {
      shares.push({ holders, sealed: base64(await this.unseal(sealed, record, `${holders.join("+")}|outer`)) });
    }
    return { kind: "half-opened", v: 1, pseudonym: record.pseudonym, epoch: record.epoch, first: this.id, shares };
  }

  async second(record) {
    if (record.first === this.id) throw new Error("You have opened this one already: the second must be another key-holder.");
    const share = record.shares.find((each) => each.holders[0] === record.first && each.holders[1] === this.id);
    if (!share) throw this.notMine();
    return this.unseal(share.sealed, record, `${record.first}+${this.id}|inner`);
  }

  notMine() { return new Error("It is not sealed for this key: it may be for one that you had before, or for other key-holders."); }
}
