"""Has the interfaces of other packages, so that programs for them can use msgfs."""
