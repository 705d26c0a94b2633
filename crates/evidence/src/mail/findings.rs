//! What was judged, as findings.
