//! What is new about a channel for its program.

use crate::model::Transport;

/// What nothing before it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Novelty {
    /// Neither the address nor the name.
    pub remote: bool,
    /// The port, with its transport.
    pub port: bool,
    /// The transport.
    pub protocol: bool,
}

impl Novelty {
    /// True if anything is new.
    pub fn any(self) -> bool {
        self.remote || self.beyond_remote()
    }

    /// True if more than the remote is new.
    pub fn beyond_remote(self) -> bool {
        self.port || self.protocol
    }

    /// What is new over `transport`, in words: ICMP has no ports.
    pub fn words(self, transport: Transport) -> String {
        let ports = matches!(transport, Transport::TCP | Transport::UDP);
        let all = [
            (self.remote, "remote"),
            (self.port && ports, "port"),
            (self.protocol || self.port && !ports, "protocol"),
        ];
        let new: Vec<&str> = all
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| *word)
            .collect();
        new.join(", ")
    }
}
