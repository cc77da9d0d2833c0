package sqlexec

import (
	"slices"
	"sort"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

func (s *Session) showRegions(n *tree.ShowRegions) (*Result, error) {
	switch n.ShowRegionsFrom {
	case tree.ShowRegionsFromCluster:
		return s.clusterRegions(), nil
	case tree.ShowRegionsFromDatabase:
		name := string(n.DatabaseName)
		if name == "" {
			name = s.database()
		}
		db, err := s.findDatabase(name)
		if err != nil {
			return nil, err
		}
		result := table("database", String, "region", String, "primary", Bool, "secondary", Bool, "zones", Strings)
		zones := s.regionZones()
		regions := slices.Clone(db.Regions)
		sort.Slice(regions, func(i, j int) bool {
			if first, second := regions[i] == db.Primary, regions[j] == db.Primary; first != second {
				return first
			}
			return regions[i] < regions[j]
		})
		for _, region := range regions {
			result.add(db.Name, region, region == db.Primary, false, strings1(zones[region]))
		}
		return result, nil
	case tree.ShowRegionsFromAllDatabases:
		all, err := s.databases()
		if err != nil {
			return nil, err
		}
		result := table("database_name", String, "regions", Strings, "primary_region", String, "secondary_region", String)
		for _, db := range all {
			result.add(db.Name, strings1(db.Regions), nullable(db.Primary), nil)
		}
		return result, nil
	}
	all, err := s.databases()
	if err != nil {
		return nil, err
	}
	result := table("region", String, "zones", Strings, "database_names", Strings, "primary_region_of", Strings, "secondary_region_of", Strings)
	for _, row := range s.clusterRegions().Rows {
		region := row[0].(string)
		in, primary := []string{}, []string{}
		for _, db := range all {
			if slices.Contains(db.Regions, region) {
				in = append(in, db.Name)
			}
			if db.Primary == region {
				primary = append(primary, db.Name)
			}
		}
		result.add(region, row[1], in, primary, []string{})
	}
	return result, nil
}

func (s *Session) clusterRegions() *Result {
	zones := s.regionZones()
	result := table("region", String, "zones", Strings)
	for region, names := range zones {
		result.add(region, strings1(names))
	}
	sort.Slice(result.Rows, func(i, j int) bool { return result.Rows[i][0].(string) < result.Rows[j][0].(string) })
	return result
}

func (s *Session) showDatabases() (*Result, error) {
	all, err := s.databases()
	if err != nil {
		return nil, err
	}
	result := table("database_name", String, "owner", String, "primary_region", String, "secondary_region", String, "regions", Strings, "survival_goal", String)
	for _, db := range all {
		if ok, err := s.granted(db.Owner, db.Grants, "CONNECT"); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		regions := slices.Clone(db.Regions)
		sort.Strings(regions)
		result.add(db.Name, db.Owner, nullable(db.Primary), nil, strings1(regions), nullable(db.Survive))
	}
	return result, nil
}

func (s *Session) showSurvival(n *tree.ShowSurvivalGoal) (*Result, error) {
	name := string(n.DatabaseName)
	if name == "" {
		name = s.database()
	}
	db, err := s.findDatabase(name)
	if err != nil {
		return nil, err
	}
	result := table("database", String, "survival_goal", String)
	result.add(db.Name, nullable(db.Survive))
	return result, nil
}
