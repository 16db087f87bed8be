//! The bodies of a message: compressed RTF, RTF, HTML and plain text.
