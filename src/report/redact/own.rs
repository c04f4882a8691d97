//! The words that casewire's own sentences are made of.
//!
//! A computer may be called `no`, an account `port`, and evidence chooses both. Where such a name
//! stood bare in a sentence nothing tells it from the sentence's own word, and a label in the place
//! of that word would turn what is said into its opposite.

use crate::analytics::register;
use std::collections::HashSet;

/// Words of sentences beside those that the analytics say of themselves.
const WORDS: &str = "no not none never nothing nobody neither nor without only all any every each both one two \
    a an the and or but of in on at to from for with by as is are was were be been has have had it its this that \
    these those there where which who whose what when while until since before after between within outside inside \
    above below over under up down out off than then more most less least few many first last next earlier later \
    again once twice other others same another such so also too else yes can cannot could may might must would \
    if unless because though however still already yet seen unseen known unknown shown told found missing lost \
    certain uncertain possible likely true false high medium low critical info open closed opened blocked allowed \
    permitted dropped refused reset answered unanswered failed done made kept left right new old own alone beside \
    host hosts port ports source target remote local address addresses network networks packet packets record \
    records log logs event events connection connections process processes service services user users account \
    accounts name names file files time times clock clocks zone step steps rule rules change changes outage \
    answer answers question questions segment capture captures evidence incident incidents finding findings \
    system server servers client clients program programs command line tcp udp icmp arp dns smb rdp utc";

/// All of them, in lower case.
pub(super) fn words() -> HashSet<String> {
    let mut words = HashSet::new();
    let mut take = |text: &str| {
        let each = text.split(|c: char| !c.is_alphanumeric());
        let each = each.filter(|w| !w.is_empty() && w.chars().all(char::is_alphabetic));
        words.extend(each.map(str::to_lowercase));
    };
    take(WORDS);
    for entry in register::all() {
        let about = entry.about();
        let needs = about.needs.iter().flat_map(|need| [need.name, need.what]);
        let lists = [about.steps, about.cannot_see, about.benign, about.actions];
        let texts = lists.into_iter().flatten().copied().chain(needs);
        texts.chain([about.name, about.summary]).for_each(&mut take);
    }
    words
}
