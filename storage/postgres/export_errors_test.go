package postgres

// Lost is what a commit returns for an error of the server's, at the end of its transaction or before.
var Lost = lost

// AtOnce reports whether a commit that failed so is sent again right away.
var AtOnce = atOnce
