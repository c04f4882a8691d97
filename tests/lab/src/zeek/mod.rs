//! A Zeek sensor: it keeps no packets and writes a row for each connection into conn.log.
//!
//! What a row is follows Zeek's documentation of conn.log and the default timers of its
//! `init-bare.zeek`; see [`connection`]. A row is written when Zeek forgets the connection, so rows are in
//! the order of their ends.

pub mod connection;
mod glance;

use crate::moment::Moment;
use connection::Connection;
use glance::Glance;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Columns between tabs, with a header.
    Table,
    /// A JSON object a line.
    Json,
}

/// One row, and when Zeek wrote it.
#[derive(Clone, Debug)]
pub struct Row {
    /// When the connection was forgotten.
    pub written: Moment,
    /// What it was.
    pub connection: Connection,
    /// Index of its first packet among those pushed.
    pub first: usize,
}

/// A sensor at work.
#[derive(Clone, Debug, Default)]
pub struct Sensor {
    live: Vec<(usize, Connection)>,
    rows: Vec<Row>,
    packets: usize,
}

impl Sensor {
    /// Sees a frame. Frames come in order of time.
    pub fn push(&mut self, time: Moment, frame: &[u8]) {
        let number = self.packets;
        self.packets += 1;
        let rows = &mut self.rows;
        self.live.retain(|(first, connection)| {
            let over = connection.over(time);
            rows.extend(over.map(|written| Row {
                written,
                connection: connection.clone(),
                first: *first,
            }));
            over.is_none()
        });
        let Some(packet) = Glance::of(frame) else {
            return;
        };
        let known = self.live.iter_mut().find(|(_, c)| c.takes(&packet));
        match known {
            Some((_, connection)) => connection.packet(time, &packet),
            None => {
                let mut connection = Connection::new(time, &packet);
                connection.packet(time, &packet);
                self.live.push((number, connection));
            }
        }
    }

    /// The rows in the order in which they were written; what is left is written when Zeek ends.
    pub fn rows(mut self) -> Vec<Row> {
        for (first, connection) in self.live {
            let written = connection.last;
            self.rows.push(Row {
                written,
                connection,
                first,
            });
        }
        self.rows.sort_by_key(|row| (row.written, row.first));
        self.rows
    }
}

/// The text of a log, and the line of each row.
pub fn text<'r>(rows: impl Iterator<Item = &'r Row>, notation: Notation) -> (String, Vec<u64>) {
    let mut text = match notation {
        Notation::Json => String::new(),
        Notation::Table => format!(
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\t{}\n",
            connection::COLUMNS.join("\t")
        ),
    };
    let mut lines = Vec::new();
    for row in rows {
        lines.push(text.lines().count() as u64 + 1);
        text.push_str(&row.connection.line(notation));
        text.push('\n');
    }
    (text, lines)
}
