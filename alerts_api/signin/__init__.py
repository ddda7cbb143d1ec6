"""Who somebody is: sessions, the identity provider, local users, tokens of programs.

What each may do is said by :mod:`alerts_api.signin.actors` and the routes. Sessions are rows on the server; a
browser holds nothing but random numbers. Deliberately absent: passwords by mail, browsers that stay signed
in, and sign-up.
"""
