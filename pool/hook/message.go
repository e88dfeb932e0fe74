package hook

import "github.com/userpool-go/userpool/message"

// CustomMessage is a message that is about to be sent. The hook is never given what it carries:
// what stands for it in the words is replaced afterwards. It has no Caller.
//
// Attributes are those of users. A message that a sign-up causes has none: whoever signs up chooses
// them and the address alike, and the pool would carry their words to strangers. The same goes for
// Metadata, which it has: choose by it, and do not quote it.
type CustomMessage struct {
	Event   // Source is "" where no visitor has asked for the message
	Kind    message.Kind
	Channel message.Channel
	Locale  string // a BCP 47 tag or an Accept-Language header; it may be anything
	// Code and Link are what stands for the code or the link, and must be in the text, the HTML and
	// the SMS: "{####}", and "{##text##}" with any text. "" means that the message carries none.
	Code, Link string
}

// CustomMessageAnswer are the words of a message: for an email Subject, Text and, if any, HTML; for
// an SMS its SMS. Where those of its channel are empty the message keeps the pool's own words
// (Settings.Messages). They are held to what a message.Template may be; where they are malformed
// the pool's own are sent.
type CustomMessageAnswer struct {
	Subject, Text, HTML string
	SMS                 string
}
