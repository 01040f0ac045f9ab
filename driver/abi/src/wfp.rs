//! The Windows Filtering Platform.
