//! Requests, devices, memory descriptors, locks (WDM).
