//! One integration binary; each module is one suite.
