//! Windows event logs: from bytes to host events.

pub mod record;
