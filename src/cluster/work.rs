//! How many objects were gone through, for the tests that hold work linear in a cluster's size.
//!
//! Times tell nothing on a shared machine; that a list of everything was gone through once for
//! each object of another shows in this count at once. Outside of tests there is none.

#[cfg(test)]
std::thread_local! {
    static GONE_THROUGH: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A list of so many objects is gone through.
pub(crate) fn go_through(objects: usize) {
    #[cfg(test)]
    GONE_THROUGH.set(GONE_THROUGH.get() + objects);
    #[cfg(not(test))]
    let _ = objects;
}

/// How many objects this thread went through since it was last asked.
#[cfg(test)]
pub(crate) fn gone_through() -> usize {
    GONE_THROUGH.take()
}
