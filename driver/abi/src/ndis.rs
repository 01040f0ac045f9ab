//! Network buffers (NDIS 6).
