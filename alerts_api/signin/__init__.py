"""Who somebody is: sessions, the identity provider, local users, tokens of programs.

What each may do is said by :mod:`alerts_api.signin.actors` and the routes. Sessions are rows on the server; a
browser holds nothing but a random number. Deliberately absent: passwords by mail, remembered browsers and
sign-up.
"""
