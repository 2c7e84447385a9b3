package queue

// For the suite, which wants queues that are not as the pipeline's.
var CreateWith = createWith

// DeadName is how Dead reads a policy.
var DeadName = deadName
