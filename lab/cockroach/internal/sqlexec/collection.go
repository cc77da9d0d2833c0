package sqlexec

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"

	"lab/cockroach/internal/state"
	"lab/cockroach/internal/transport"
)

// collection is where backups go. A full one is a folder named by its time; those that build on it are under incrementals/ and
// its name. Every file's checksum is in the manifest, and the manifest's beside it.
type collection struct {
	ctx     context.Context
	cluster Cluster
	node    uint64
	root    string
}

const (
	manifestName   = "BACKUP_MANIFEST"
	checksumSuffix = "-CHECKSUM"
	fullFolder     = "2006/01/02-150405.00"
	layerFolder    = "20060102/150405.00"
)

// manifest is one backup, full or not.
type manifest struct {
	Start     time.Time     `json:"start"` // zero: full
	End       time.Time     `json:"end"`
	Since     uint64        `json:"since"` // what was written up to here is in the backups before
	Applied   uint64        `json:"applied"`
	Whole     bool          `json:"whole"` // all databases
	Databases []database    `json:"databases"`
	Tables    []backupTable `json:"tables"`
}

type backupTable struct {
	Def  tableDef `json:"def"`
	Rows int      `json:"rows"` // in this backup
	Size int      `json:"size"`
	File string   `json:"file"`
	Sum  string   `json:"sum"`
}

// tableData is what of a table has changed since the backup before, and all keys that are there.
type tableData struct {
	Changed []state.Entry `json:"changed"`
	Keys    []string      `json:"keys"`
}

// openCollection reads a destination; only nodes' own storage is there, everything else is refused by its scheme.
func (s *Session) openCollection(text string) (*collection, error) {
	uri, err := url.Parse(text)
	if err != nil {
		return nil, errorf(codeInvalidParameter, "invalid URI %q", text)
	}
	if uri.Scheme != "nodelocal" {
		if uri.Scheme == "" {
			return nil, errorf(codeInvalidParameter, "unsupported storage scheme: %q", uri.Scheme)
		}
		return nil, unsupported("external storage " + uri.Scheme + "://")
	}
	if uri.RawQuery != "" {
		return nil, unsupported("parameters of nodelocal storage")
	}
	var node uint64
	if uri.Host != "self" {
		if node, err = strconv.ParseUint(uri.Host, 10, 32); err != nil || node == 0 {
			return nil, errorf(codeInvalidParameter, "host component of nodelocal URI must be a node ID (use 'self' to specify each node should access its own local filesystem): %s", text)
		}
	}
	return &collection{ctx: s.ctx, cluster: s.engine.cluster, node: node, root: path.Clean("/" + uri.Path)}, nil
}

func (c *collection) put(name string, data []byte) error {
	_, err := c.cluster.Blob(c.ctx, c.node, transport.BlobRequest{Path: path.Join(c.root, name), Data: data, Write: true})
	return err
}

func (c *collection) get(name string) ([]byte, error) {
	response, err := c.cluster.Blob(c.ctx, c.node, transport.BlobRequest{Path: path.Join(c.root, name)})
	return response.Data, err
}

// backups are the folders, relative to the collection, of all that have a manifest, full ones and others, in order.
func (c *collection) backups() (full []string, layers map[string][]string, err error) {
	response, err := c.cluster.Blob(c.ctx, c.node, transport.BlobRequest{Path: c.root, List: true})
	if err != nil {
		return nil, nil, err
	}
	layers = map[string][]string{}
	for _, file := range response.Paths {
		folder, name := path.Split(strings.TrimPrefix("/"+file, strings.TrimSuffix(c.root, "/")+"/"))
		folder = strings.TrimSuffix(folder, "/")
		if name != manifestName {
			continue
		}
		if below, ok := strings.CutPrefix(folder, "incrementals/"); ok {
			parent := path.Dir(path.Dir(below))
			layers[parent] = append(layers[parent], folder)
		} else {
			full = append(full, folder)
		}
	}
	sort.Strings(full)
	for _, folders := range layers {
		sort.Strings(folders)
	}
	return full, layers, nil
}

// chain is a full backup and those that build on it. which: LATEST, or its folder.
func (c *collection) chain(which string) ([]string, error) {
	full, layers, err := c.backups()
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(which, "latest") {
		if len(full) == 0 {
			return nil, errorf("58030", "path does not contain a completed latest backup: no backups in %s", c.root)
		}
		which = full[len(full)-1]
	}
	which = strings.Trim(which, "/")
	for _, folder := range full {
		if folder == which {
			return append([]string{folder}, layers[folder]...), nil
		}
	}
	return nil, errorf("58030", "no backup %s in %s", which, c.root)
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func damaged(file string) error {
	return errorf("XXC01", "checksum mismatch: the backup file %s is damaged", file)
}

func (c *collection) manifest(folder string) (*manifest, error) {
	name := path.Join(folder, manifestName)
	data, err := c.get(name)
	if err != nil {
		return nil, err
	}
	stated, err := c.get(name + checksumSuffix)
	if err != nil {
		return nil, err
	}
	if sum(data) != string(stated) {
		return nil, damaged(name)
	}
	found := new(manifest)
	return found, json.Unmarshal(data, found)
}

func (c *collection) tableData(folder string, table backupTable) (*tableData, error) {
	name := path.Join(folder, table.File)
	data, err := c.get(name)
	if err != nil {
		return nil, err
	}
	if sum(data) != table.Sum {
		return nil, damaged(name)
	}
	found := new(tableData)
	return found, json.Unmarshal(data, found)
}

// write puts the tables' files and then the manifest, whose presence makes a backup of them.
func (c *collection) write(folder string, made *manifest, data []tableData) error {
	for i := range made.Tables {
		text, err := json.Marshal(data[i])
		if err != nil {
			return err
		}
		t := &made.Tables[i]
		t.File, t.Size, t.Sum = fmt.Sprintf("data/%d.json", t.Def.ID), len(text), sum(text)
		if err := c.put(path.Join(folder, t.File), text); err != nil {
			return err
		}
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	name := path.Join(folder, manifestName)
	if err := c.put(name+checksumSuffix, []byte(sum(text))); err != nil {
		return err
	}
	return c.put(name, text)
}
