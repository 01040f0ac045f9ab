//! C interface
