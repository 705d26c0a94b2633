//! Folds what was judged into one state a message.
