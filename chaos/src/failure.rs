//! What goes wrong in the harness itself: a sentence for whoever started it.

pub(crate) use doorward_rig::Result;
