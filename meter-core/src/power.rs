//! Powers.
