//! An operation on queues, for the job queue and the mailbox.

use std::collections::VecDeque;

/// Removes and returns the elements that are `unwanted`; both parts keep their order. A caller that holds the
/// queue's lock drops the result after releasing it, because the drop of an element is foreign code.
pub(crate) fn take_out<T>(queue: &mut VecDeque<T>, unwanted: impl Fn(&T) -> bool) -> VecDeque<T> {
    let (taken, kept) = std::mem::take(queue).into_iter().partition(unwanted);
    *queue = kept;
    taken
}
