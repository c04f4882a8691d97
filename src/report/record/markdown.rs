//! Blocks as Markdown (CommonMark with tables), for tickets and word processors.
//!
//! Every text is escaped; no link, image or markup comes from evidence.

use super::Block;
use crate::report::escape::{Shown, markdown as md};

/// Lays out blocks.
pub fn render(blocks: &[Block]) -> String {
    let mut page = String::new();
    for block in blocks {
        if !page.is_empty() {
            page.push('\n');
        }
        match block {
            Block::Heading(level, text) => {
                let marks = "#".repeat(usize::from(*level).clamp(1, 6));
                page.push_str(&format!("{marks} {}\n", md(text)));
            }
            Block::Text(text) => page.push_str(&format!("{}\n", md(text))),
            Block::List { numbered, items } => {
                for (item, n) in items.iter().zip(1..) {
                    let mark = if *numbered {
                        format!("{n}.")
                    } else {
                        "*".to_owned()
                    };
                    page.push_str(&format!("{mark} {}\n", md(item)));
                }
            }
            Block::Facts(facts) => {
                page.push_str("| | |\n|---|---|\n");
                for (label, text) in facts {
                    page.push_str(&format!("| {} | {} |\n", md(label), md(text)));
                }
            }
            Block::Table { head, rows } => {
                row(&mut page, head);
                page.push_str(&format!("|{}\n", "---|".repeat(head.len())));
                rows.iter().for_each(|cells| row(&mut page, cells));
            }
            Block::Commands(lines) => {
                // Longer than any run of backticks inside.
                let text = lines
                    .iter()
                    .map(Shown::as_str)
                    .collect::<Vec<_>>()
                    .join("\n");
                let mut fence = "```".to_owned();
                while text.contains(&fence) {
                    fence.push('`');
                }
                page.push_str(&format!("{fence}text\n{text}\n{fence}\n"));
            }
        }
    }
    page
}

fn row(page: &mut String, cells: &[String]) {
    page.push('|');
    for cell in cells {
        page.push_str(&format!(" {} |", md(cell)));
    }
    page.push('\n');
}
