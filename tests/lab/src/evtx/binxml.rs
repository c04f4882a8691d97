//! BinXml trees and their bytes (MS-EVEN6 2.2.12).

use super::chunk::Chunk;
use super::value::mixed_endian;
use crate::seed;

/// A node of a template, or of a record without template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// An element.
    Element {
        name: String,
        /// Index of the value whose absence suppresses the element.
        depends_on: Option<u16>,
        attributes: Vec<(String, Node)>,
        children: Vec<Node>,
    },
    /// Literal text: the only literal there is.
    Text(String),
    /// A place for a value.
    Substitution {
        index: u16,
        declared: u8,
        optional: bool,
    },
}

impl Node {
    pub(super) fn element(name: &str, children: Vec<Node>) -> Self {
        Self::Element {
            name: name.into(),
            depends_on: None,
            attributes: Vec::new(),
            children,
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn optional(index: u16, declared: u8) -> Self {
        Self::Substitution {
            index,
            declared,
            optional: true,
        }
    }

    pub(super) fn normal(index: u16, declared: u8) -> Self {
        Self::Substitution {
            index,
            declared,
            optional: false,
        }
    }

    pub(super) fn with(mut self, name: &str, value: Node) -> Self {
        if let Self::Element { attributes, .. } = &mut self {
            attributes.push((name.into(), value));
        }
        self
    }

    pub(super) fn depending_on(mut self, index: u16) -> Self {
        if let Self::Element { depends_on, .. } = &mut self {
            *depends_on = Some(index);
        }
        self
    }

    /// A GUID that stands for this tree: two different definitions must not share one in a chunk.
    fn guid(&self) -> [u8; 16] {
        seed::guid(&["template", &format!("{self:?}")])
    }
}

/// A substitution value, ready to be written.
pub(super) enum Filling {
    /// Stored type and bytes.
    Plain(u8, Vec<u8>),
    /// A nested template instance: its tree and its values.
    Nested(Node, Vec<Filling>),
}

/// Fragment header: token, major 1, minor 1, no flags.
const FRAGMENT: [u8; 4] = [0x0f, 0x01, 0x01, 0x00];
const END_OF_STREAM: u8 = 0x00;

/// Writes a record body made of a template instance.
pub(super) fn write_instance(chunk: &mut Chunk, tree: &Node, values: &[Filling]) {
    chunk.bytes.extend_from_slice(&FRAGMENT);
    let guid = tree.guid();
    chunk.bytes.extend_from_slice(&[0x0c, 0x01]);
    chunk.bytes.extend_from_slice(&mixed_endian(&guid)[..4]);
    let here = chunk.position() + 4;
    match chunk.template(&guid) {
        Some(known) => chunk.put_u32(known),
        None => {
            chunk.put_u32(here);
            let older = chunk.add_template(guid, here);
            chunk.put_u32(older);
            chunk.bytes.extend_from_slice(&mixed_endian(&guid));
            let size_at = chunk.reserve_u32();
            chunk.bytes.extend_from_slice(&FRAGMENT);
            write_node(chunk, tree, true);
            chunk.bytes.push(END_OF_STREAM);
            chunk.patch_length(size_at);
        }
    }
    chunk.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
    let mut descriptors = Vec::new();
    for value in values {
        descriptors.push(chunk.bytes.len());
        let (kind, size) = match value {
            Filling::Plain(kind, bytes) => (*kind, size_u16(bytes.len())),
            Filling::Nested(..) => (super::value::BIN_XML, 0),
        };
        chunk.put_u16(size);
        chunk.bytes.extend_from_slice(&[kind, 0]);
    }
    for (value, descriptor) in values.iter().zip(descriptors) {
        match value {
            Filling::Plain(_, bytes) => chunk.bytes.extend_from_slice(bytes),
            Filling::Nested(tree, values) => {
                // Offsets inside are relative to the chunk, so it is written in place and its size
                // patched afterwards.
                let start = chunk.bytes.len();
                write_instance(chunk, tree, values);
                let size = size_u16(chunk.bytes.len() - start);
                chunk.bytes[descriptor..descriptor + 2].copy_from_slice(&size.to_le_bytes());
            }
        }
    }
    chunk.bytes.push(END_OF_STREAM);
}

/// Writes a record body without template: an element whose values are all literal text, and which
/// has no dependency ids (they exist inside template definitions only).
pub(super) fn write_plain(chunk: &mut Chunk, tree: &Node) {
    chunk.bytes.extend_from_slice(&FRAGMENT);
    write_node(chunk, tree, false);
    chunk.bytes.push(END_OF_STREAM);
}

fn write_node(chunk: &mut Chunk, node: &Node, in_template: bool) {
    match node {
        Node::Element {
            name,
            depends_on,
            attributes,
            children,
        } => {
            chunk
                .bytes
                .push(if attributes.is_empty() { 0x01 } else { 0x41 });
            if in_template {
                chunk.put_u16(depends_on.unwrap_or(0xffff));
            }
            let size_at = chunk.reserve_u32();
            chunk.put_name(name);
            if !attributes.is_empty() {
                let list_at = chunk.reserve_u32();
                for (i, (name, value)) in attributes.iter().enumerate() {
                    chunk
                        .bytes
                        .push(if i + 1 < attributes.len() { 0x46 } else { 0x06 });
                    chunk.put_name(name);
                    write_node(chunk, value, in_template);
                }
                chunk.patch_length(list_at);
            }
            if children.is_empty() {
                chunk.bytes.push(0x03);
            } else {
                chunk.bytes.push(0x02);
                for child in children {
                    write_node(chunk, child, in_template);
                }
                chunk.bytes.push(0x04);
            }
            chunk.patch_length(size_at);
        }
        Node::Text(text) => {
            let units: Vec<u16> = text.encode_utf16().take(usize::from(u16::MAX)).collect();
            chunk.bytes.extend_from_slice(&[0x05, 0x01]);
            chunk.put_u16(size_u16(units.len()));
            chunk
                .bytes
                .extend(units.into_iter().flat_map(u16::to_le_bytes));
        }
        Node::Substitution {
            index,
            declared,
            optional,
        } => {
            chunk.bytes.push(if *optional { 0x0e } else { 0x0d });
            chunk.put_u16(*index);
            chunk.bytes.push(*declared);
        }
    }
}

/// Value sizes are 16 bits wide in the format; the file refuses longer ones before they get here.
fn size_u16(size: usize) -> u16 {
    u16::try_from(size).expect("a value longer than the format can hold")
}
