//! Evidence text is attacker text: how it is shown, how wide it is, where it is cut.
//!
//! For terminals and pasted text. JSON has escapes of its own, which lose nothing: `json` only sees
//! to it that hidden characters are written as such.
//!
//! What is escaped: control characters, characters that reorder or hide text, invisible ones,
//! private-use ones and every space but U+0020. Printable characters of all scripts pass, those
//! written from right to left included; a terminal that reorders those may show the words of such
//! a name in another order than they are stored in.

use unicode_width::UnicodeWidthChar;

/// Combining marks that may follow one base character; more would paint over other lines.
const MARKS_ON_A_BASE: usize = 2;

/// The text with nothing in it that a terminal or an eye could take for something else.
///
/// C0 and C1 controls become `\x1b`, other hidden characters `\u{202e}`. A backslash stays as it is
/// (Windows paths are full of them) unless what follows would make it read as one of these two
/// escapes; then it becomes `\x5c`. So each `\x..` and `\u{..}` in the result is an escape, and the
/// original can be got back exactly.
pub fn vis(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for unit in units(text) {
        shown.push_str(&unit.text);
    }
    shown
}

/// Text that went through `vis` once: a second time would spell out the escapes of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Raw text, shown.
    pub fn of(text: &str) -> Self {
        Self(vis(text))
    }

    /// The lines of a page that escaped all its text.
    pub(super) fn lines(page: super::text::page::Page) -> Vec<Self> {
        let page = page.finish();
        page.lines().map(|line| Self(line.to_owned())).collect()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in HTML.
    pub fn html(&self) -> String {
        markup(&self.0)
    }
}

/// XML that was made elsewhere, with nothing hidden in it: characters that `vis` would spell out
/// become character references, which read the same, and those XML 1.0 forbids become `\x1b`. Line
/// breaks and tabs stay.
pub fn xml(markup: &str) -> String {
    let mut shown = String::with_capacity(markup.len());
    for c in markup.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            '\0'..='\x1f' => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            '\x7f'..='\u{9f}' => shown.push_str(&format!("&#x{:x};", u32::from(c))),
            _ if u32::from(c) & 0xfffe == 0xfffe => {
                shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            _ if hidden(c) => shown.push_str(&format!("&#x{:x};", u32::from(c))),
            _ => shown.push(c),
        }
    }
    shown
}

/// Text as HTML shows it literally, in an element or an attribute: `vis` first, so that nothing is
/// hidden, then the five characters markup is made of.
pub fn html(text: &str) -> String {
    markup(&vis(text))
}

fn markup(shown: &str) -> String {
    let mut escaped = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Text as Markdown shows it literally, on one line: `vis` first, then a backslash before whatever
/// Markdown, or the tables, mentions and links of its dialects, could take for a mark.
pub fn markdown(text: &str) -> String {
    let shown = vis(text);
    let mut escaped = String::with_capacity(shown.len());
    let mut before = None;
    // Digits that begin the text would number a list if a point or a bracket ended them.
    let mut number = true;
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let mark = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&' | '~' | '@' | '$' => {
                true
            }
            '!' => next == Some('['),
            // A time and a reference need no mark, a scheme does.
            ':' => next != Some(' ') && next.is_some() && !digit(before),
            '+' | '-' | '=' => before.is_none(),
            '.' | ')' => number && before.is_some() && next.is_none_or(|c| c == ' '),
            _ => false,
        };
        if mark {
            escaped.push('\\');
        }
        escaped.push(c);
        number &= c.is_ascii_digit();
        before = Some(c);
    }
    // `www.` alone makes a link in some dialects.
    escaped.replace("www.", "www\\.").replace("WWW.", "WWW\\.")
}

/// JSON whose hidden characters are written as escapes (RFC 8259, section 7). To a parser it is the
/// same; a terminal or an editor that shows it finds nothing to act on.
pub fn json(text: String) -> String {
    let raw = |c: char| !c.is_ascii() && (matches!(c, '\u{80}'..='\u{9f}') || hidden(c));
    // DEL is the one control character that JSON lets pass.
    if text.is_ascii() && !text.contains('\x7f') || !text.contains(|c| raw(c) || c == '\x7f') {
        return text;
    }
    let mut spelled = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        if raw(c) || c == '\x7f' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                spelled.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            spelled.push(c);
        }
    }
    spelled
}

/// Display cells of a text that went through `vis`.
pub fn cells(shown: &str) -> usize {
    shown.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// The raw text, cut so that `vis` of it takes at most `width` cells; a cut text ends in `...`, and
/// no character or escape is cut in two.
pub fn fit(text: &str, width: usize) -> String {
    let (mut used, mut read) = (0, 0);
    // Where to cut back to if the whole does not fit.
    let mut keep = 0;
    for unit in units(text) {
        used += unit.cells;
        if used > width {
            let mut cut = text[..keep].to_owned();
            cut.push_str(&"..."[..width.min(3)]);
            return cut;
        }
        read += unit.raw;
        if used + 3 <= width {
            keep = read;
        }
    }
    text.to_owned()
}

/// As [`fit`], but cut in the middle: names that begin alike stay apart by their ends.
pub fn fit_middle(text: &str, width: usize) -> String {
    let all: Vec<(usize, usize)> = units(text).map(|unit| (unit.cells, unit.raw)).collect();
    if all.iter().map(|(cells, _)| cells).sum::<usize>() <= width || width < 5 {
        return fit(text, width);
    }
    let room = width - 3;
    // Bytes of the units from one end that fit into so many cells.
    let bytes = |units: &mut dyn Iterator<Item = &(usize, usize)>, room: usize| {
        let (mut used, mut read) = (0, 0);
        for (cells, raw) in units {
            used += cells;
            if used > room {
                break;
            }
            read += raw;
        }
        read
    };
    let head = bytes(&mut all.iter(), room - room / 2);
    let tail = bytes(&mut all.iter().rev(), room / 2);
    format!("{}...{}", &text[..head], &text[text.len() - tail..])
}

/// What is shown for one character, with the marks that combine with it: never broken.
pub(super) struct Unit {
    /// The character, or its escape.
    pub text: String,
    /// Cells it takes.
    pub cells: usize,
    /// Bytes of the raw text it stands for.
    pub raw: usize,
}

/// The text in unbreakable units.
pub(super) fn units(text: &str) -> impl Iterator<Item = Unit> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let mut taken = first.len_utf8();
        let after = &rest[taken..];
        let text = match first {
            '\\' if reads_as_escape(after) => "\\x5c".to_owned(),
            '\0'..='\x1f' | '\x7f'..='\u{9f}' => format!("\\x{:02x}", u32::from(first)),
            _ if hidden(first) || first.width() == Some(0) => {
                format!("\\u{{{:x}}}", u32::from(first))
            }
            _ => {
                let mut whole = first.to_string();
                if first.is_alphanumeric() {
                    let marks = after
                        .chars()
                        .take_while(|c| c.width() == Some(0) && !c.is_control() && !hidden(*c));
                    for mark in marks.take(MARKS_ON_A_BASE) {
                        whole.push(mark);
                        taken += mark.len_utf8();
                    }
                }
                whole
            }
        };
        rest = &rest[taken..];
        let cells = cells(&text);
        Some(Unit {
            text,
            cells,
            raw: taken,
        })
    })
}

/// True if a backslash before `after` would read as an escape of ours.
fn reads_as_escape(after: &str) -> bool {
    let bytes = after.as_bytes();
    match bytes {
        [b'x', a, b, ..] => a.is_ascii_hexdigit() && b.is_ascii_hexdigit(),
        [b'u', b'{', ..] => true,
        _ => false,
    }
}

/// Characters that are not controls and still show nothing, show a space, or change what is around
/// them: Default_Ignorable_Code_Point and White_Space of Unicode 16, line separators, interlinear
/// and hieroglyph format controls, the blank Braille pattern, private use, noncharacters.
fn hidden(c: char) -> bool {
    matches!(u32::from(c),
        0xa0 | 0xad | 0x34f | 0x61c | 0x70f | 0x115f..=0x1160 | 0x1680
        | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164
        | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffc
        | 0x13430..=0x1345f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0x10_ffff)
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads back what `vis` wrote.
    fn unvis(shown: &str) -> String {
        let mut text = String::new();
        let mut rest = shown;
        while let Some(c) = rest.chars().next() {
            let (value, length) = match rest.as_bytes() {
                [b'\\', b'x', ..] if reads_as_escape(&rest[1..]) => {
                    (u32::from_str_radix(&rest[2..4], 16).unwrap(), 4)
                }
                [b'\\', b'u', b'{', ..] => {
                    let end = rest.find('}').unwrap();
                    (u32::from_str_radix(&rest[3..end], 16).unwrap(), end + 1)
                }
                _ => (u32::from(c), c.len_utf8()),
            };
            text.push(char::from_u32(value).unwrap());
            rest = &rest[length..];
        }
        text
    }

    #[test]
    fn hidden_and_control_characters_are_spelled_out() {
        for (text, shown) in [
            ("a\x1b[31mb", "a\\x1b[31mb"),
            ("\u{9b}2J", "\\x9b2J"),
            ("a\r\n\tb\0\x7f", "a\\x0d\\x0a\\x09b\\x00\\x7f"),
            ("exe.\u{202e}fdp", "exe.\\u{202e}fdp"),
            (
                "a\u{200b}b\u{2028}c\u{feff}",
                "a\\u{200b}b\\u{2028}c\\u{feff}",
            ),
            (
                "\u{ad}\u{fe0f}\u{e0041}\u{a0}\u{3164}",
                "\\u{ad}\\u{fe0f}\\u{e0041}\\u{a0}\\u{3164}",
            ),
            ("\u{301}x", "\\u{301}x"),
            ("\u{fffd}", "\u{fffd}"),
            ("R\u{e9}seau \u{7db2}", "R\u{e9}seau \u{7db2}"),
        ] {
            assert_eq!(vis(text), shown, "{text:?}");
        }
    }

    #[test]
    fn markup_is_shown_literally_in_html_and_markdown() {
        assert_eq!(
            html("<img src=x onerror='a(\"&\")'>\u{202e}"),
            "&lt;img src=x onerror=&#39;a(&quot;&amp;&quot;)&#39;&gt;\\u{202e}"
        );
        assert_eq!(markdown("[x](javascript:y)"), r"\[x\](javascript\:y)");
        assert_eq!(markdown("1. - a|b <b> www.x"), r"1\. - a\|b \<b\> www\.x");
        assert_eq!(markdown("- a"), r"\- a");
        assert_eq!(
            markdown("10.0.0.1 at 02:11:07: x"),
            "10.0.0.1 at 02:11:07: x"
        );
        assert_eq!(xml("<a>\u{202e}\x1b\r\n</a>"), "<a>&#x202e;\\x1b\n</a>");
    }

    #[test]
    fn json_hides_nothing_and_means_the_same() {
        let all = "plain é \u{7db2} \x7f\u{9b}31m \u{202e} \u{feff} \u{e0041} \u{2028} \x1b";
        let written = json(serde_json::to_string(all).unwrap());
        assert!(
            written.contains("é \u{7db2} \\u007f\\u009b31m \\u202e"),
            "{written}"
        );
        assert!(written.contains("\\udb40\\udc41"), "{written}");
        assert!(!written.chars().any(|c| c.is_control() || hidden(c)));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), all);
        assert_eq!(json("{\n \"a\": 1\n}\n".to_owned()), "{\n \"a\": 1\n}\n");
        assert_eq!(json("\"a\x7f\"".to_owned()), "\"a\\u007f\"");
    }

    #[test]
    fn a_backslash_is_doubled_in_meaning_only_where_it_would_lie() {
        assert_eq!(
            vis(r"C:\Windows\System32\x.exe"),
            r"C:\Windows\System32\x.exe"
        );
        assert_eq!(vis(r"CORP\xander"), r"CORP\xander");
        assert_eq!(vis(r"a\x1b"), r"a\x5cx1b");
        assert_eq!(vis(r"a\u{202e}"), r"a\x5cu{202e}");
        assert_eq!(vis("\\\x1b"), r"\\x1b");
    }

    #[test]
    fn a_pile_of_marks_does_not_climb_out_of_its_line() {
        let zalgo = format!("a{}", "\u{301}".repeat(40));
        let shown = vis(&zalgo);
        assert_eq!(shown.matches('\u{301}').count(), MARKS_ON_A_BASE);
        assert_eq!(unvis(&shown), zalgo);
    }

    #[test]
    fn a_cut_keeps_escapes_and_wide_characters_whole() {
        assert_eq!(fit("abcdefgh", 8), "abcdefgh");
        assert_eq!(fit("abcdefghi", 8), "abcde...");
        assert_eq!(fit("ab\x1bcdefg", 8), "ab...");
        assert_eq!(
            fit("\u{7db2}\u{7db2}\u{7db2}\u{7db2}\u{7db2}", 8),
            "\u{7db2}\u{7db2}..."
        );
        assert_eq!(fit("abc", 2), "..");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_harmless_and_can_be_read_back(text in any::<String>(), width in 0_usize..40) {
            let shown = vis(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || hidden(c)));
            prop_assert_eq!(unvis(&shown), text.as_str());
            prop_assert!(cells(&vis(&fit(&text, width))) <= width);
        }

        #[test]
        fn backslashes_and_escapes_never_run_together(text in r"[\\xu{}1ab\x1b]{0,24}") {
            prop_assert_eq!(unvis(&vis(&text)), text);
        }
    }
}
