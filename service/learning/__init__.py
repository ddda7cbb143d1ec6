"""What changes at local midnight: accounts' own pictures, the site's model, feedback and drift. Pure."""
