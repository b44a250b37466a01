//! What the job queue and the mailbox share.

use std::collections::VecDeque;

/// Takes out what is `unwanted`; both parts keep their order. Who holds a lock on the queue drops the
/// result when it has let go: the drop of what was queued is not our code.
pub(crate) fn take_out<T>(queue: &mut VecDeque<T>, unwanted: impl Fn(&T) -> bool) -> VecDeque<T> {
    let (taken, kept) = std::mem::take(queue).into_iter().partition(unwanted);
    *queue = kept;
    taken
}
