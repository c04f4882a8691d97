//! How much memory collections take, for what states are counted with.

/// Entries that a node of a `BTreeMap` has room for.
const NODE: usize = 11;

/// About how many bytes a `BTreeMap<K, V>` of `len` entries takes (`V` is `()` for a set). A node has room
/// for eleven, so one entry takes as much as eleven do.
pub fn tree<K, V>(len: usize) -> usize {
    let node = NODE * (size_of::<K>() + size_of::<V>()) + 16;
    // Nodes that were split are about two thirds full.
    len.div_ceil(NODE * 2 / 3).min(len) * node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_takes_a_whole_node() {
        assert_eq!(tree::<u64, ()>(0), 0);
        assert_eq!(tree::<u64, ()>(1), 104);
        assert_eq!(tree::<u64, u64>(7), 192);
        assert_eq!(tree::<u64, u64>(8), 384);
    }
}
