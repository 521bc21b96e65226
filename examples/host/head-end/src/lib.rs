//! Head-end.
