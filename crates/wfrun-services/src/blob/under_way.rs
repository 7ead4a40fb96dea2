//! How many bodies are under way at once: each of a few has more room than each of many.

use std::sync::atomic::{AtomicUsize, Ordering};

/// As many are few, as a rule.
pub(crate) const FEW: usize = 8;

/// The bodies of one direction.
pub(crate) struct Bodies {
    count: AtomicUsize,
    few: usize,
    room_of_few: usize,
    room_of_many: usize,
}

/// One of them, until it is dropped.
pub(crate) struct UnderWay {
    bodies: &'static Bodies,
    /// What it may have, in the unit of its direction.
    pub(crate) room: usize,
}

impl Bodies {
    /// With this room for each of `few`, and that for more.
    pub(crate) const fn new(few: usize, room_of_few: usize, room_of_many: usize) -> Self {
        Self { count: AtomicUsize::new(0), few, room_of_few, room_of_many }
    }

    /// Counts one more.
    pub(crate) fn begin(&'static self) -> UnderWay {
        let others = self.count.fetch_add(1, Ordering::Relaxed);
        UnderWay { bodies: self, room: if others < self.few { self.room_of_few } else { self.room_of_many } }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.bodies.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_ended_count_no_more() {
        static BODIES: Bodies = Bodies::new(FEW, 32, 2);
        let begin = |count| (0..count).map(|_| BODIES.begin()).collect::<Vec<_>>();
        let rooms = |all: &[UnderWay]| all.iter().map(|it| it.room).collect::<Vec<_>>();
        let mut all = begin(FEW + 2);
        assert_eq!(rooms(&all), [[32; FEW].as_slice(), &[2, 2]].concat());
        all.truncate(FEW - 1);
        assert_eq!(rooms(&begin(2)), [32, 2]);
    }
}
