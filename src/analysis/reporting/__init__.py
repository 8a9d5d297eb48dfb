"""Notebooks run by path, pages rendered from what they left."""

import sys

# jsonschema's format extra builds 35 parsers that nbformat never uses: over a second for whoever imports it first
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
