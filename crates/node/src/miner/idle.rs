//! Threads that get only the processor time that nothing else wants.

/// Gives the calling thread idle priority: `SCHED_IDLE`, or nice 19 where the system does not allow that. A thread cannot
/// be sure to get back from it: without privileges Linux raises no priority. Elsewhere than on Linux nothing happens.
#[cfg(target_os = "linux")]
pub(super) fn this_thread() {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };

    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    // The crate sets the policy, then nice 0, which fails in a process that was started with a higher one.
    let is_idle = thread_schedule_policy().is_ok_and(|policy| policy == idle);
    // On Linux a nice value belongs to a thread; process 0 is the calling one.
    let nice = rustix::process::setpriority_process(None, 19);
    if !is_idle && let (Err(policy), Err(nice)) = (set, nice) {
        tracing::warn!(?policy, %nice, "mining threads compete with the node: no lower priority is given");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn this_thread() {}
