//! The stack of open elements. Its depth is bounded, so that hostile nesting takes no time.

/// The elements that are open, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Nested<T> {
    open: Vec<T>,
    /// How many further elements are open beyond the bound.
    untracked: usize,
}

const NESTED_MAX: usize = 100;

impl<T> Nested<T> {
    pub(super) fn push(&mut self, element: T) {
        if self.open.len() < NESTED_MAX {
            self.open.push(element);
        } else {
            self.untracked += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        if self.untracked > 0 {
            self.untracked -= 1;
            return None;
        }
        self.open.pop()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        self.open.last_mut()
    }

    /// Whether any of them satisfies `is`.
    pub(super) fn any(&self, is: impl Fn(&T) -> bool) -> bool {
        self.open.iter().any(is)
    }

    /// Ends the innermost element for which `is` is true, and all elements inside it. Returns
    /// whether there was one. Elements beyond the bound are not known: one of them ends instead.
    pub(super) fn pop_until(&mut self, is: impl Fn(&T) -> bool) -> bool {
        if self.untracked > 0 {
            self.untracked -= 1;
            return true;
        }
        let found = self.open.iter().rposition(is);
        self.open.truncate(found.unwrap_or(self.open.len()));
        found.is_some()
    }
}
