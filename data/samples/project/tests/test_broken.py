"""Does not import: a collection error."""

import shop_that_does_not_exist  # noqa: F401
