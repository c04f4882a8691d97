//! One Markdown page that says what happened, and the evidence it would have left.
//!
//! [`Story::parse`] reads the page, [`Story::play`] plays it. The same page always gives the same
//! bytes. Whether an analyzer finds what the page expects is not judged here.

mod cast;
mod deeds;
mod evidence;
mod expect;
mod firewall;
mod flow_lines;
mod host_lines;
mod lines;
mod naming;
mod parse;
mod signals;
mod tcp;
mod traces;
mod wire;
mod words;
mod world;

pub use evidence::{Evidence, Member};
pub use expect::{Expectation, Expected};
pub use words::StoryError;

use crate::moment::Moment;
use cast::{Act, Host, Sensor, What};
use world::World;

/// A story, read and checked.
#[derive(Clone, Debug)]
pub struct Story {
    /// The page's first heading.
    pub title: String,
    /// The prose around the blocks: why the story exists.
    pub why: String,
    /// The text after `Kind:` at the begin of a line of prose: which kind of case this is.
    pub kind: Option<String>,
    /// The ```toml block: settings the analyzer is to be run with, not read here.
    pub settings: Option<String>,
    /// The expect block, line by line.
    pub expect: Vec<Expected>,
    day: Moment,
    hosts: Vec<Host>,
    sensors: Vec<Sensor>,
    acts: Vec<Act>,
}

/// Where a packet or record is, and which line of the page it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cite {
    /// `wire:3`: the third packet of the captures, in file order. `log:3`: the third record of all
    /// logs, in the order in which they were written.
    pub label: String,
    /// File name.
    pub file: String,
    /// Packet number in its file, or EventRecordID.
    pub item: u64,
    /// Line of the page.
    pub line: usize,
    /// What it is, for messages: `evil -> WS01`, `WS01 Security 4946`.
    pub about: String,
}

impl Story {
    /// Reads a page.
    ///
    /// # Errors
    /// Names the line of the page and which words would be understood.
    pub fn parse(markdown: &str) -> Result<Self, StoryError> {
        parse::page(markdown)
    }

    /// Plays the story and gives the evidence it leaves behind.
    pub fn play(&self) -> Evidence {
        let mut world = World::new(self.day, &self.hosts);
        for act in &self.acts {
            world.begin(act);
            match &act.what {
                What::Flow(line) => {
                    let flow = wire::flow(&mut world, act.at, line);
                    traces::flow(&mut world, act.at, line, &flow);
                }
                What::Ping(line) => signals::ping(&mut world, act.at, line),
                What::Arp {
                    from,
                    to,
                    answered,
                    tries,
                } => signals::arp(&mut world, act.at, from, *to, *answered, *tries),
                What::Wake(line) => signals::wake(&mut world, act.at, line),
                What::Host(host, deed) => deeds::play(&mut world, *host, act.at, deed),
            }
        }
        let hosts = self
            .hosts
            .iter()
            .enumerate()
            .map(|(number, host)| Member {
                name: host.name.clone(),
                computer: host.computer.clone(),
                addresses: host.addresses.clone(),
                mac: world.mac(number),
            })
            .collect();
        let (mut sent, mut written) = (world.sent, world.written);
        sent.sort_by_key(|packet| packet.at);
        written.sort_by_key(|record| record.at);
        let (mut files, mut cites) = (Vec::new(), Vec::new());
        evidence::captures(
            self.day,
            &self.hosts,
            &self.sensors,
            &sent,
            &mut files,
            &mut cites,
        );
        evidence::logs(&self.hosts, written, &mut files, &mut cites);
        Evidence {
            title: self.title.clone(),
            files,
            cites,
            hosts,
            expect: self.expect.clone(),
        }
    }
}
