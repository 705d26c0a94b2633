//! Lists the files of a source in walk order.
