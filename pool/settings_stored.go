package pool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// settingsFormat is the version of the text that settings are stored as. It is raised where the
// meaning of a field changes. A field that is added leaves it, and is `json:",omitzero"`, so that a
// process of the version before goes on with settings that do not use it.
const settingsFormat = 1

// maxSettings bounds settings as they are stored: in one document.
const maxSettings = 256 << 10

// settingsText is what stands in the document of the settings. Format is 0 in those of before there
// was one, which are read as 1.
type settingsText struct {
	Format int `json:",omitzero"`
	Settings
}

// encode returns settings as they are stored.
func (s Settings) encode() ([]byte, error) {
	return json.Marshal(settingsText{settingsFormat, s})
}

// copied returns settings that share nothing with s. Of those that have no JSON, which are not
// stored either, it returns s itself.
func (s Settings) copied() Settings {
	var c Settings
	if text, err := json.Marshal(s); err != nil || json.Unmarshal(text, &c) != nil {
		return s
	}
	return c
}

// sizeProblems returns what is wrong with settings of which each part may be in order.
func (s Settings) sizeProblems() []string {
	body, err := s.encode()
	if err != nil {
		return []string{fmt.Sprintf("they have no JSON: %v", err)}
	}
	if len(body) > maxSettings {
		return []string{fmt.Sprintf("together they are %d bytes as JSON, at most %d", len(body), maxSettings)}
	}
	return nil
}

// decodeSettings reads stored settings, with their defaults written out. What it does not know it
// refuses: the rule that a newer process has stored may be the one that keeps somebody out.
func decodeSettings(body []byte) (Settings, error) {
	var text settingsText
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&text)
	if _, more := d.Token(); err == nil && !errors.Is(more, io.EOF) {
		err = errors.New("something follows them")
	}
	switch {
	case text.Format > settingsFormat:
		err = fmt.Errorf("they are of format %d, and this version reads %d", text.Format, settingsFormat)
	case err == nil:
		return text.defaults(), nil
	}
	return Settings{}, &SettingsError{[]string{fmt.Sprintf(
		"the stored ones cannot be read, update this program if a newer one wrote them: %v", err)}}
}
