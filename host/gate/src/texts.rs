//! A set of texts that are looked for at every place of other texts, each with something that is known of it. A tree by their bytes: to look at one
//! place costs as much as the text and one of the set have in common there, however many there are.

use zeroize::Zeroizing;

/// Where a text is long, so much of it is as good as all of it: otherwise texts that begin alike would be compared to their ends at every place
/// again.
const ENOUGH: usize = 1024;
/// What a node takes beside its bytes.
const NODE: usize = 160;

/// See the module. What it holds may be secret, and is overwritten when it goes.
#[derive(Debug)]
pub(super) struct Texts<T> {
    root: Node<T>,
}

impl<T> Default for Texts<T> {
    fn default() -> Texts<T> {
        let root = Node::default();
        Texts { root }
    }
}

#[derive(Debug)]
struct Node<T> {
    /// What leads here from the node above.
    edge: Zeroizing<Vec<u8>>,
    /// By the first bytes of their edges.
    below: Vec<Node<T>>,
    /// What is known of the text that ends here.
    of: Option<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Node<T> {
        Node {
            edge: Zeroizing::default(),
            below: Vec::new(),
            of: None,
        }
    }
}

/// What a place begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begins<'t, T> {
    /// The longest text of the set that is whole there, or enough of a long one, with its length.
    With(usize, &'t T),
    /// Nothing whole, and what is there may be the beginning of a text: it ends before that does.
    Perhaps,
    /// Nothing.
    Not,
}

impl<T> Texts<T> {
    /// Adds a text. Returns how many bytes of memory that took, and what was known of it before, which counts.
    pub(super) fn insert(&mut self, text: &str, of: T) -> (usize, Option<&mut T>) {
        let (mut node, mut rest) = (&mut self.root, text.as_bytes());
        let mut bytes = 0;
        loop {
            let Some(first) = rest.first() else {
                return match &mut node.of {
                    Some(known) => (bytes, Some(known)),
                    none => {
                        *none = Some(of);
                        (bytes, None)
                    }
                };
            };
            let found = node.below.binary_search_by_key(first, Node::first);
            let at = found.unwrap_or_else(|at| {
                let edge = Zeroizing::new(rest.to_vec());
                bytes += NODE + edge.len();
                let leaf = Node {
                    edge,
                    ..Node::default()
                };
                node.below.insert(at, leaf);
                at
            });
            node = &mut node.below[at];
            let common = common(&node.edge, rest);
            if common < node.edge.len() {
                bytes += NODE;
                node.split(common);
            }
            rest = &rest[common..];
        }
    }

    /// Returns what the beginning of `text` is.
    pub(super) fn at(&self, text: &[u8]) -> Begins<'_, T> {
        let (mut node, mut rest) = (&self.root, text);
        let mut longest = Begins::Not;
        loop {
            let walked = text.len() - rest.len();
            if let Some(of) = &node.of {
                longest = Begins::With(walked, of);
            }
            let Some(first) = rest.first() else {
                return match (longest, node.below.is_empty()) {
                    (Begins::Not, false) => Begins::Perhaps,
                    (longest, _) => longest,
                };
            };
            let Ok(at) = node.below.binary_search_by_key(first, Node::first) else {
                return longest;
            };
            node = &node.below[at];
            let common = common(&node.edge, rest);
            rest = &rest[common..];
            if common == node.edge.len() {
                continue;
            }
            let walked = walked + common;
            if walked >= ENOUGH {
                return node.any().map_or(longest, |of| Begins::With(walked, of));
            }
            return match longest {
                Begins::Not if rest.is_empty() => Begins::Perhaps,
                longest => longest,
            };
        }
    }

    /// Returns whether `text`, all of it, begins a longer text of the set.
    pub(super) fn goes_on(&self, text: &[u8]) -> bool {
        let (mut node, mut rest) = (&self.root, text);
        while let Some(first) = rest.first() {
            let Ok(at) = node.below.binary_search_by_key(first, Node::first) else {
                return false;
            };
            node = &node.below[at];
            let common = common(&node.edge, rest);
            rest = &rest[common..];
            if common < node.edge.len() {
                return rest.is_empty();
            }
        }
        !node.below.is_empty()
    }
}

impl<T> Node<T> {
    fn first(&self) -> u8 {
        self.edge.first().copied().unwrap_or_default()
    }

    /// Puts a node into the middle of the edge that leads here.
    fn split(&mut self, at: usize) {
        let upper = Zeroizing::new(self.edge[..at].to_vec());
        let lower = Zeroizing::new(self.edge[at..].to_vec());
        let mut below = std::mem::take(self);
        below.edge = lower;
        self.edge = upper;
        self.below.push(below);
    }

    /// Returns what is known of one of the texts that go through here.
    fn any(&self) -> Option<&T> {
        let mut node = self;
        loop {
            match (&node.of, node.below.first()) {
                (Some(of), _) => return Some(of),
                (None, Some(below)) => node = below,
                (None, None) => return None,
            }
        }
    }
}

/// A tree of texts that begin alike is as deep as they are many, so it is not dropped by recursion.
impl<T> Drop for Texts<T> {
    fn drop(&mut self) {
        let mut left = std::mem::take(&mut self.root.below);
        while let Some(mut node) = left.pop() {
            left.append(&mut node.below);
        }
    }
}

fn common(one: &[u8], other: &[u8]) -> usize {
    let same = one
        .iter()
        .zip(other)
        .take_while(|(one, other)| one == other);
    same.count()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn texts(all: &[&str]) -> Texts<usize> {
        let mut texts = Texts::default();
        for (index, text) in all.iter().enumerate() {
            texts.insert(text, index);
        }
        texts
    }

    #[test]
    fn longest_text_that_is_whole_counts() {
        let texts = texts(&["secret", "secret-longer", "sec", "other"]);
        for (text, wanted) in [
            ("secret", Begins::With(6, &0)),
            ("secret-lo", Begins::With(6, &0)),
            ("secret-longer!", Begins::With(13, &1)),
            ("secre", Begins::With(3, &2)),
            ("se", Begins::Perhaps),
            ("othe", Begins::Perhaps),
            ("other", Begins::With(5, &3)),
            ("otter", Begins::Not),
            ("x", Begins::Not),
        ] {
            assert_eq!(texts.at(text.as_bytes()), wanted, "{text}");
        }
        for (text, wanted) in [
            ("secret", true),
            ("secret-longe", true),
            ("secret-longer", false),
            ("secret-x", false),
            ("", true),
        ] {
            assert_eq!(texts.goes_on(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_known_first_of_a_text_counts() {
        let mut texts = texts(&["a"]);
        assert_eq!(texts.insert("a", 7).1, Some(&mut 0));
    }

    #[test]
    fn enough_of_a_long_text_is_as_good_as_all_of_it() {
        let long = "x".repeat(ENOUGH + 10);
        let texts = texts(&[&long]);
        let most = &long[..ENOUGH + 1];
        assert_eq!(
            texts.at(format!("{most}y").as_bytes()),
            Begins::With(ENOUGH + 1, &0)
        );
        let less = &long[..ENOUGH - 1];
        assert_eq!(texts.at(format!("{less}y").as_bytes()), Begins::Not);
    }

    #[test]
    fn many_texts_that_begin_alike_cost_no_more_than_their_length() {
        let begun = Instant::now();
        let mut texts = Texts::default();
        for number in 0..200_000 {
            texts.insert(&format!("they-all-begin-like-this-{number:08}"), number);
        }
        // Each is the beginning of the next one: as deep as a tree can get.
        let nested = "a".repeat(20_000);
        for length in (1..nested.len()).step_by(10) {
            texts.insert(&nested[..length], length);
        }
        let text = format!("{nested}b").repeat(50);
        let mut at = 0;
        while at < text.len() {
            match texts.at(&text.as_bytes()[at..]) {
                Begins::With(length, _) => at += length,
                _ => at += 1,
            }
        }
        drop(texts);
        // A thousand times what it takes; it was minutes when each was compared with all others.
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
    }
}
