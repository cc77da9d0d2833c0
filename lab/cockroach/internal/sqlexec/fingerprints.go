package sqlexec

import (
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// showFingerprints runs SHOW EXPERIMENTAL_FINGERPRINTS FROM TABLE as the real one defines it: FNV-64 of each row's columns as text,
// all rows' combined by XOR, NULL without rows. There is one index, the primary one.
func (s *Session) showFingerprints(n *tree.ShowFingerprints) (*Result, error) {
	if n.Table == nil || n.TenantSpec != nil || n.Options.StartTimestamp != nil || n.Options.ExcludedUserColumns != nil {
		return nil, unsupported("fingerprints of anything but a table, or with options")
	}
	name := n.Table.ToTableName()
	t, err := s.findTable(&name)
	if err != nil {
		return nil, err
	}
	if err := s.needOnTable(t, "SELECT"); err != nil {
		return nil, err
	}
	read, err := s.readTable(t, t.Name, nil)
	if err != nil {
		return nil, err
	}
	var all uint64
	for _, row := range read.rows {
		hash := fnv.New64()
		for i, v := range row {
			if v != nil {
				fmt.Fprint(hash, Format(v, read.columns[i].typ))
			}
		}
		all ^= hash.Sum64()
	}
	fingerprint := Value(nil)
	if len(read.rows) > 0 {
		fingerprint = strconv.FormatInt(int64(all), 10)
	}
	result := table("index_name", String, "fingerprint", String)
	result.add(t.Name+"_pkey", fingerprint)
	return result, nil
}
