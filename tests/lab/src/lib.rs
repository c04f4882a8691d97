//! Turns stories into real pcapng and EVTX bytes.
//!
//! One Markdown page says what happened and what should be found; this crate writes the evidence
//! that such a day would have left behind. It knows nothing of the analyzer: the analyzer reads the
//! bytes through its front door, so a mistake here and a mistake there cannot cancel out.
//!
//! * [`evtx`]: Windows event logs, with templates and typed values as Windows writes them.
//! * [`pcap`]: frames and capture files.
//! * [`zeek`]: conn.log, as a Zeek sensor sums up what it sees.
//! * [`story`]: the language, and what a network and its hosts would have recorded.
//!
//! `tests/lab/README.md` is the reference of every line form.

pub mod evtx;
pub mod moment;
pub mod pcap;
pub mod seed;
pub mod story;
pub mod zeek;
