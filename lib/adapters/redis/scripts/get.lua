-- One document.
-- KEYS: documents index counter sessions bound log
-- ARGV: key
-- Returns the document, or nil where none is visible.
return visible(call('HGET', DOCUMENTS, ARGV[1]))
