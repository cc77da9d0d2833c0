package sqlexec

import (
	"sync/atomic"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// LatencyBounds are the upper bounds of the histogram's buckets; one more has no bound.
var LatencyBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// Counts are what a node's metrics say of the statements that it ran.
type Counts struct {
	CRUD, Failed atomic.Int64
	buckets      [len(LatencyBounds) + 1]atomic.Int64
	sum          atomic.Int64
}

func (c *Counts) note(statement tree.Statement, took time.Duration, err error) {
	place := 0
	for place < len(LatencyBounds) && took > LatencyBounds[place] {
		place++
	}
	c.buckets[place].Add(1)
	c.sum.Add(int64(took))
	if err != nil {
		c.Failed.Add(1)
		return
	}
	switch statement.(type) {
	case *tree.Select, *tree.Insert, *tree.Update, *tree.Delete:
		c.CRUD.Add(1)
	}
}

// Latencies are, for each bound and then for none, how many statements took no longer, and how long all took together.
func (c *Counts) Latencies() (reached []int64, sum time.Duration) {
	total := int64(0)
	for i := range c.buckets {
		total += c.buckets[i].Load()
		reached = append(reached, total)
	}
	return reached, time.Duration(c.sum.Load())
}
