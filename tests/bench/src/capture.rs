//! A large capture, written as it is made: what is held does not grow with it.

use crate::campaign::campaign;
use crate::chance::Chance;
use crate::conversation::{Conversation, Payloads};
use crate::network::{Host, ip, link, server};
use casewire_lab::moment::{MILLISECOND, Moment, SECOND};
use casewire_lab::pcap::frame::{self, Tcp, WINDOWS_SYN_OPTIONS, flags};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

/// The file's format.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// Classic, microseconds.
    Pcap,
    /// pcapng, nanoseconds.
    Pcapng,
}

/// Where every capture begins: 2026-03-01T00:00:00Z.
pub const BEGIN: Moment = Moment(1_772_323_200 * SECOND);
/// Average time between two new conversations: about 260 packets a second.
const BETWEEN: i64 = 60 * MILLISECOND;
/// Time between two campaigns.
const CAMPAIGNS: i64 = 900 * SECOND;

/// Writes a capture of about `size` bytes and prints what is in it. A flood is nothing but SYNs of
/// made-up senders, each the only packet of its flow.
pub fn write(out: impl Write, form: Form, size: u64, seed: u64, flood: bool) -> io::Result<()> {
    let mut file = CaptureFile {
        out,
        form,
        written: 0,
        packets: 0,
    };
    file.begin()?;
    let mut chance = Chance::new(seed);
    if flood {
        let mut now = BEGIN;
        while file.written < size {
            now = now.plus(chance.between(1_000, 60_000));
            file.frame(now, &lone_syn(&mut chance))?;
        }
    } else {
        mixed(&mut file, size, &mut chance)?;
    }
    file.out.flush()?;
    println!("packets {} bytes {}", file.packets, file.written);
    Ok(())
}

/// Something that will send its next frame.
enum Speaker {
    Conversation(Box<Conversation>),
    Campaign(std::vec::IntoIter<(Moment, Vec<u8>)>),
}

fn mixed(file: &mut CaptureFile<impl Write>, size: u64, chance: &mut Chance) -> io::Result<()> {
    let payloads = Payloads::new(chance);
    let mut speakers: Vec<Option<Speaker>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut turns: BinaryHeap<Reverse<(Moment, usize)>> = BinaryHeap::new();
    let (mut next_conversation, mut next_campaign, mut campaigns) =
        (BEGIN, BEGIN.plus(90 * SECOND), 0);
    while file.written < size {
        let turn = turns.peek().map(|Reverse((at, _))| *at);
        let begins = next_conversation.min(next_campaign);
        if turn.is_none_or(|at| begins < at) {
            let speaker = if next_campaign < next_conversation {
                let made = campaign(campaigns, next_campaign, chance);
                println!("{} {}", next_campaign.iso(), made.truth);
                campaigns += 1;
                next_campaign = next_campaign.plus(CAMPAIGNS);
                Speaker::Campaign(made.frames.into_iter())
            } else {
                next_conversation = next_conversation.plus(chance.between(0, 2 * BETWEEN));
                Speaker::Conversation(Box::new(Conversation::begin(chance)))
            };
            let place = free.pop().unwrap_or_else(|| {
                speakers.push(None);
                speakers.len() - 1
            });
            speakers[place] = Some(speaker);
            turns.push(Reverse((begins, place)));
            continue;
        }
        let Some(Reverse((at, place))) = turns.pop() else {
            break;
        };
        let again = match &mut speakers[place] {
            Some(Speaker::Conversation(conversation)) => {
                let (frame, wait) = conversation.next(chance, &payloads);
                file.frame(at, &frame)?;
                wait.map(|wait| at.plus(wait))
            }
            Some(Speaker::Campaign(frames)) => {
                if let Some((_, frame)) = frames.next() {
                    file.frame(at, &frame)?;
                }
                frames.as_slice().first().map(|(at, _)| *at)
            }
            None => None,
        };
        match again {
            Some(at) => turns.push(Reverse((at, place))),
            None => {
                speakers[place] = None;
                free.push(place);
            }
        }
    }
    Ok(())
}

fn lone_syn(chance: &mut Chance) -> Vec<u8> {
    let sender = chance.bits().to_be_bytes();
    let from = Host {
        address: [100 | sender[0] & 1, sender[1], sender[2], sender[3]].into(),
        mac: [2, 0, 0, 0, 0, 1],
        vlan: 0,
    };
    let to = server(false, 10 + sender[4] % 20);
    let segment = Tcp {
        source: chance.port(),
        destination: [80, 443, 22, 3389][usize::from(sender[5] % 4)],
        seq: chance.bits() as u32,
        flags: flags::SYN,
        window: 1_024,
        options: WINDOWS_SYN_OPTIONS.to_vec(),
        ..Tcp::default()
    };
    frame::tcp(
        &link(&from, &to),
        &ip(&from, &to, chance.bits() as u16),
        &segment,
    )
}

struct CaptureFile<W> {
    out: W,
    form: Form,
    written: u64,
    packets: u64,
}

impl<W: Write> CaptureFile<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn begin(&mut self) -> io::Result<()> {
        match self.form {
            Form::Pcap => {
                let words = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1];
                self.put(words.map(u32::to_le_bytes).as_flattened())
            }
            Form::Pcapng => {
                let section = [0x0a0d_0d0a_u32, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];
                self.put(section.map(u32::to_le_bytes).as_flattened())?;
                // if_tsresol (9), one byte: 9, nanoseconds; then the end of options.
                let interface = [1_u32, 32, 1, 262_144, 0x0001_0009, 9, 0, 32];
                self.put(interface.map(u32::to_le_bytes).as_flattened())
            }
        }
    }

    fn frame(&mut self, at: Moment, frame: &[u8]) -> io::Result<()> {
        self.packets += 1;
        let length = frame.len() as u32;
        match self.form {
            Form::Pcap => {
                let head = [at.seconds() as u32, at.nanos() / 1_000, length, length];
                self.put(head.map(u32::to_le_bytes).as_flattened())?;
                self.put(frame)
            }
            Form::Pcapng => {
                let time = at.0.cast_unsigned();
                let padding = frame.len().next_multiple_of(4) - frame.len();
                let total = 32 + length + padding as u32;
                let head = [
                    6,
                    total,
                    0,
                    (time >> 32) as u32,
                    time as u32,
                    length,
                    length,
                ];
                self.put(head.map(u32::to_le_bytes).as_flattened())?;
                self.put(frame)?;
                self.put(&[0; 3][..padding])?;
                self.put(&total.to_le_bytes())
            }
        }
    }
}
