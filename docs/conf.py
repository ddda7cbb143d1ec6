"""How Sphinx builds the documents, and checks their links: ``make docs``.

The root is the checkout, so that README, ARCHITECTURE and the rest are pages too and every link between them
is checked. Nothing is fetched, neither by the build nor by the pages it makes.
"""

project = "journalguard"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/**.md",
]
exclude_patterns = [".*", "dist", "**/__pycache__"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "journalguard"
html_show_copyright = False
html_copy_source = False
