package courier

import "sync"

// jobQueue holds the jobs of an owner.
type jobQueue struct {
	bell chan struct{} // capacity 1: rung when there is a job, or work for a pump

	mu      sync.Mutex
	queue   []job
	refusal string // says why no job is taken any more; "" if they are
	gone    bool   // nor a Close

	// Used on the owner's thread only.
	batch []job // taken from the queue
	next  int   // of batch, the first that has not begun
}

func (q *jobQueue) ring() {
	select {
	case q.bell <- struct{}{}:
	default: // it was rung, and the owner has not come yet
	}
}

// submit queues a job, unless the owner takes none any more. Any thread.
func (q *jobQueue) submit(op string, j job) error {
	first, err := q.enqueue(op, j)
	if first {
		q.ring() // outside the lock, which the owner takes next
	}
	return err
}

// enqueue reports whether the job is the first: the owner may be asleep.
func (q *jobQueue) enqueue(op string, j job) (first bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.gone || q.refusal != "" && !j.closes() {
		return false, refuse(op, ErrClosed, q.refusal)
	}
	q.queue = append(q.queue, j)
	return len(q.queue) == 1, nil
}

// has reports whether there is a job to begin with.
func (q *jobQueue) has() bool {
	if q.next == len(q.batch) {
		q.take()
	}
	return q.next < len(q.batch)
}

// take makes the queue the batch, and the batch, which has begun to the last job, the memory of the queue:
// posting allocates nothing, unless there was a burst, whose memory is not kept.
func (q *jobQueue) take() {
	const kept = 1024
	memory := q.batch[:0]
	if cap(memory) > kept {
		memory = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.batch, q.queue, q.next = q.queue, memory, 0
}

// pop takes the next job out of the batch, which must not keep what the job refers to.
func (q *jobQueue) pop() job {
	j := q.batch[q.next]
	q.batch[q.next] = job{}
	q.next++
	return j
}

// reject ends what was submitted, and takes no more, but for closes.
func (q *jobQueue) reject(refusal string) {
	q.mu.Lock()
	if q.refusal == "" {
		q.refusal = refusal
	}
	jobs := append(q.batch[q.next:], q.queue...)
	q.batch, q.next, q.queue = nil, 0, nil
	for _, j := range jobs {
		if j.closes() {
			q.queue = append(q.queue, j)
		}
	}
	q.mu.Unlock()
	for _, j := range jobs {
		if !j.closes() {
			j.end(refuse("do", ErrClosed, refusal))
		}
	}
}

// end ends the queue of an owner whose runtime is closed: Closes that are left have what they wanted.
func (q *jobQueue) end() {
	q.reject(ErrClosed.Error())
	q.mu.Lock()
	closes := q.queue
	q.queue, q.gone = nil, true
	q.mu.Unlock()
	for _, j := range closes {
		j.end(nil)
	}
}
