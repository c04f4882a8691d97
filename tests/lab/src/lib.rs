//! Turns stories into real pcapng and EVTX bytes.
