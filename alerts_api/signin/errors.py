"""What can go wrong with sign-in, for its operator. A visitor's mistake is a :class:`RefusalError`.

::

    SignInError
    ├── UserError       a local user that is not there, is there already, or cannot be so
    ├── TokenError      a token that is not there or cannot be so
    └── ProviderError   the identity provider is not reached, or does not answer as agreed
"""


class SignInError(Exception):
    """Root of the package. The text says what is wrong and how to mend it; never a secret."""


class UserError(SignInError):
    """A local user that is not there, is there already, or cannot be so."""


class TokenError(SignInError):
    """A token that is not there or cannot be so."""


class ProviderError(SignInError):
    """The identity provider is not reached, or does not answer as agreed."""
