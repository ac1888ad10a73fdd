//! A slot that moves must not split an audit stream.
