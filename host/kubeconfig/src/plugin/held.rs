//! What a plugin has said and nobody has seen yet.

/// Text in the order in which it came.
#[derive(Default)]
pub(super) struct Held {
    text: Vec<u8>,
    /// How much of it was there already at the last look.
    old: usize,
}

impl Held {
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// Returns what has been there since the last look: whole lines, and the beginning of one only if it goes no further, as a question does.
    pub(super) fn due(&mut self) -> Vec<u8> {
        let old = &self.text[..self.old];
        let end = match self.text.len() > self.old {
            true => old
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1),
            false => self.old,
        };
        let due = self.text.drain(..end).collect();
        self.old = self.text.len();
        due
    }

    /// Returns what is left.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.old = 0;
        std::mem::take(&mut self.text)
    }
}
