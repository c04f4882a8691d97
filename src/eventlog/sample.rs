//! A log assembled by hand for the tests of this module: one chunk, written as Windows writes it
//! (\[MS-EVEN6\] 2.2.12 and libyal's "Windows XML Event Log (EVTX)").

/// Grows a chunk byte by byte; offsets are the chunk's.
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    names: Vec<(String, usize)>,
    system: Option<usize>,
    payload: Option<usize>,
    records: u64,
}

/// An attribute's name, and what writes its value.
type Attribute<'a> = (&'a str, &'a dyn Fn(&mut Chunk));

/// The computer in the templates.
pub(crate) const COMPUTER: &str = "WS01";

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

impl Chunk {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; 512],
            names: Vec::new(),
            system: None,
            payload: None,
            records: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn put_u16(&mut self, n: usize) {
        self.put(&(n as u16).to_le_bytes());
    }

    fn put_u32(&mut self, n: usize) {
        self.put(&(n as u32).to_le_bytes());
    }

    /// Leaves room for a u32 and returns its place.
    fn gap(&mut self) -> usize {
        self.put_u32(0);
        self.bytes.len()
    }

    /// Fills a gap with the number of bytes since.
    fn fill(&mut self, gap: usize) {
        let length = (self.bytes.len() - gap) as u32;
        self.bytes[gap - 4..gap].copy_from_slice(&length.to_le_bytes());
    }

    fn name(&mut self, name: &str) {
        if let Some((_, at)) = self.names.iter().find(|(n, _)| n == name) {
            let at = *at;
            return self.put_u32(at);
        }
        let at = self.bytes.len() + 4;
        self.names.push((name.to_owned(), at));
        self.put_u32(at);
        self.put(&[0; 6]);
        self.put_u16(name.encode_utf16().count());
        self.put(&utf16(name));
        self.put_u16(0);
    }

    fn text(&mut self, text: &str) {
        self.put(&[0x05, 0x01]);
        self.put_u16(text.encode_utf16().count());
        self.put(&utf16(text));
    }

    fn hole(&mut self, index: usize, kind: u8) {
        self.put(&[0x0e]);
        self.put_u16(index);
        self.put(&[kind]);
    }

    /// An element with attributes and content; `templated` start tags carry a dependency.
    fn element(
        &mut self,
        name: &str,
        templated: bool,
        attributes: &[Attribute<'_>],
        content: &dyn Fn(&mut Self),
    ) {
        self.put(&[if attributes.is_empty() { 0x01 } else { 0x41 }]);
        if templated {
            self.put_u16(0xffff);
        }
        let size = self.gap();
        self.name(name);
        if !attributes.is_empty() {
            let list = self.gap();
            for (at, (name, value)) in attributes.iter().enumerate() {
                self.put(&[if at + 1 < attributes.len() {
                    0x46
                } else {
                    0x06
                }]);
                self.name(name);
                value(self);
            }
            self.fill(list);
        }
        self.put(&[0x02]);
        content(self);
        self.put(&[0x04]);
        self.fill(size);
    }

    /// The event: System, then what `payload` writes. `value` writes the value of a System field.
    fn event(
        &mut self,
        templated: bool,
        value: &dyn Fn(&mut Self, usize, u8),
        payload: &dyn Fn(&mut Self),
    ) {
        let t = templated;
        self.element("Event", t, &[], &|c| {
            c.element("System", t, &[], &|c| {
                c.element("Provider", t, &[("Name", &|c| value(c, 0, 1))], &|_| {});
                c.element("EventID", t, &[], &|c| value(c, 1, 6));
                c.element(
                    "TimeCreated",
                    t,
                    &[("SystemTime", &|c| value(c, 2, 0x11))],
                    &|_| {},
                );
                c.element("EventRecordID", t, &[], &|c| value(c, 3, 0x0a));
                c.element("Channel", t, &[], &|c| value(c, 4, 1));
                c.element("Computer", t, &[], &|c| c.text(COMPUTER));
            });
            payload(c);
        });
    }

    fn record(&mut self, content: impl FnOnce(&mut Self)) {
        self.records += 1;
        let start = self.bytes.len();
        self.put(&[0x2a, 0x2a, 0, 0, 0, 0, 0, 0]);
        let number = self.records.to_le_bytes();
        self.put(&number);
        self.put(&[0; 8]);
        content(self);
        self.put(&[0]);
        while !(self.bytes.len() - start).is_multiple_of(8) {
            self.put(&[0]);
        }
        self.put(&[0; 4]);
        let size = (self.bytes.len() + 4 - start) as u32;
        self.bytes[start + 4..start + 8].copy_from_slice(&size.to_le_bytes());
        self.put(&size.to_le_bytes());
    }

    /// Begins a template instance; writes the definition the first time.
    fn instance(&mut self, definition: Option<usize>, body: &dyn Fn(&mut Self)) -> usize {
        self.put(&[0x0f, 1, 1, 0, 0x0c, 1, 0, 0, 0, 0]);
        let at = definition.unwrap_or(self.bytes.len() + 4);
        self.put_u32(at);
        if definition.is_none() {
            self.put(&[0; 20]);
            let size = self.gap();
            self.put(&[0x0f, 1, 1, 0]);
            body(self);
            self.put(&[0]);
            self.fill(size);
        }
        at
    }

    fn values(&mut self, values: &[(u8, Vec<u8>)]) {
        self.put_u32(values.len());
        for (kind, bytes) in values {
            self.put_u16(bytes.len());
            self.put(&[*kind, 0]);
        }
        for (_, bytes) in values {
            self.put(bytes);
        }
    }

    /// A record as Windows writes it: a template for the event, one within for its fields.
    pub(crate) fn templated(
        &mut self,
        id: u16,
        record_id: u64,
        filetime: u64,
        fields: &[(&str, u8, Vec<u8>)],
    ) {
        let (system, payload) = (self.system, self.payload);
        let mut defined = (0, 0);
        self.record(|c| {
            defined.0 = c.instance(system, &|c| {
                c.event(true, &|c, index, kind| c.hole(index, kind), &|c| {
                    c.hole(5, 0x21)
                });
            });
            let mut values = vec![
                (0x01, utf16("Microsoft-Windows-Security-Auditing")),
                (0x06, id.to_le_bytes().to_vec()),
                (0x11, filetime.to_le_bytes().to_vec()),
                (0x0a, record_id.to_le_bytes().to_vec()),
                (0x01, utf16("Security")),
                (0x21, vec![]),
            ];
            // The nested value's length is known only once it is written in its place.
            c.values(&values);
            let start = c.bytes.len();
            defined.1 = c.instance(payload, &|c| {
                c.element("EventData", true, &[], &|c| {
                    for (index, (name, kind, _)) in fields.iter().enumerate() {
                        c.element("Data", true, &[("Name", &|c| c.text(name))], &|c| {
                            c.hole(index, *kind);
                        });
                    }
                });
            });
            let inner: Vec<(u8, Vec<u8>)> = fields
                .iter()
                .map(|(_, kind, bytes)| (*kind, bytes.clone()))
                .collect();
            c.values(&inner);
            c.put(&[0]);
            let length = (c.bytes.len() - start) as u16;
            let before: usize = values.drain(..).map(|(_, bytes)| bytes.len()).sum();
            let descriptor = start - before - 4;
            c.bytes[descriptor..descriptor + 2].copy_from_slice(&length.to_le_bytes());
        });
        self.system = Some(defined.0);
        self.payload = Some(defined.1);
    }

    /// A record without a payload, with a template of its own, whose gaps are event id, record id and
    /// time. Returns the offset of the template's definition.
    pub(crate) fn short(&mut self, id: u16, record_id: u64, filetime: u64) -> usize {
        let mut defined = 0;
        self.record(|c| {
            let gap = |c: &mut Self, field: usize, kind: u8| match field {
                1 => c.hole(0, kind),
                2 => c.hole(2, kind),
                3 => c.hole(1, kind),
                _ => c.text("Security"),
            };
            defined = c.instance(None, &|c| c.event(true, &gap, &|_| {}));
            c.values(&[
                (0x06, id.to_le_bytes().to_vec()),
                (0x0a, record_id.to_le_bytes().to_vec()),
                (0x11, filetime.to_le_bytes().to_vec()),
            ]);
        });
        defined
    }

    /// A record of a filtered export: no template, every value a string.
    pub(crate) fn bare(&mut self, id: u16, record_id: u64, time: &str, fields: &[(&str, &str)]) {
        self.record(|c| {
            c.put(&[0x0f, 1, 1, 0]);
            c.event(
                false,
                &|c, index, _| match index {
                    0 => c.text("Microsoft-Windows-Security-Auditing"),
                    1 => c.text(&id.to_string()),
                    2 => c.text(time),
                    3 => c.text(&record_id.to_string()),
                    _ => c.text("security"),
                },
                &|c| {
                    c.element("EventData", false, &[], &|c| {
                        for (name, value) in fields {
                            c.element("Data", false, &[("Name", &|c| c.text(name))], &|c| {
                                c.text(value);
                            });
                        }
                    });
                },
            );
        });
    }

    /// The whole chunk, with header and checksums.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let free = self.bytes.len();
        assert!(free < 65_536, "a chunk holds 64 KiB");
        self.bytes.resize(65_536, 0);
        let records = self.records;
        let b = &mut self.bytes;
        b[..8].copy_from_slice(b"ElfChnk\0");
        for (at, n) in [(8, 1), (16, records), (24, 1), (32, records)] {
            b[at..at + 8].copy_from_slice(&n.to_le_bytes());
        }
        b[40..44].copy_from_slice(&128_u32.to_le_bytes());
        b[48..52].copy_from_slice(&(free as u32).to_le_bytes());
        seal(b);
        self.bytes
    }
}

/// Writes a chunk's two checksums.
pub(crate) fn seal(chunk: &mut [u8]) {
    let free = u32::from_le_bytes([chunk[48], chunk[49], chunk[50], chunk[51]]) as usize;
    let sum = ::evtx::checksum_ieee(&chunk[512..free]).to_le_bytes();
    chunk[52..56].copy_from_slice(&sum);
    let mut covered = chunk[..120].to_vec();
    covered.extend_from_slice(&chunk[128..512]);
    let sum = ::evtx::checksum_ieee(&covered).to_le_bytes();
    chunk[124..128].copy_from_slice(&sum);
}

/// A file of these chunks.
pub(crate) fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; 4_096];
    file[..8].copy_from_slice(b"ElfFile\0");
    file[42..44].copy_from_slice(&(chunks.len() as u16).to_le_bytes());
    let sum = ::evtx::checksum_ieee(&file[..120]).to_le_bytes();
    file[124..128].copy_from_slice(&sum);
    chunks
        .iter()
        .for_each(|chunk| file.extend_from_slice(chunk));
    file
}

/// The fields of a blocked connection, as Windows types them.
pub(crate) fn connection(port: &str) -> Vec<(&'static str, u8, Vec<u8>)> {
    vec![
        ("ProcessID", 0x0a, 4_u64.to_le_bytes().to_vec()),
        ("Application", 0x01, utf16("System")),
        ("Direction", 0x01, utf16("%%14592")),
        ("SourceAddress", 0x01, utf16("198.51.100.7")),
        ("SourcePort", 0x01, utf16("50111")),
        ("DestAddress", 0x01, utf16("10.0.0.5")),
        ("DestPort", 0x01, utf16(port)),
        ("Protocol", 0x08, 6_u32.to_le_bytes().to_vec()),
        ("LayerName", 0x01, utf16("%%14610")),
    ]
}

/// Three records: two from one template, one without; numbered 101 to 103.
pub(crate) fn three_records() -> Vec<u8> {
    let mut chunk = Chunk::new();
    chunk.templated(5157, 101, 132_477_984_000_000_000, &connection("7000"));
    chunk.templated(5157, 102, 132_477_984_010_000_000, &connection("8000"));
    chunk.bare(
        5157,
        103,
        "2020-10-22T00:00:02.000000000Z",
        &[
            ("ProcessID", "4"),
            ("Application", "System"),
            ("Direction", "%%14592"),
            ("SourceAddress", "198.51.100.7"),
            ("SourcePort", "50111"),
            ("DestAddress", "10.0.0.5"),
            ("DestPort", "9000"),
            ("Protocol", "6"),
            ("LayerName", "%%14610"),
        ],
    );
    chunk.finish()
}
