package sqlexec

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

const minRegions = 3 // to survive the loss of one

func (s *Session) createDatabase(n *tree.CreateDatabase) error {
	name := string(n.Name)
	if name == "" {
		return errorf("42602", "empty database name")
	}
	if n.Placement != tree.DataPlacementUnspecified || n.SuperRegion.Name != "" || n.SecondaryRegion != "" {
		return unsupported("CREATE DATABASE with PLACEMENT, SUPER REGION or SECONDARY REGION")
	}
	ok, err := s.hasSystem("CREATEDB")
	if err != nil {
		return err
	}
	if !ok {
		return errorf(codePrivilege, "permission denied to create database").hint("You must have the CREATEDB privilege.")
	}
	exists, err := s.tx.get("db/"+name, new(database))
	if err != nil {
		return err
	}
	if exists {
		if n.IfNotExists {
			s.Notice("NOTICE", "database \""+name+"\" already exists, skipping")
			return nil
		}
		return errorf(codeDuplicateDB, "database %q already exists", name)
	}
	db := &database{Name: name, Owner: s.User, Grants: map[string][]string{public: {"CONNECT"}}}
	if !n.Owner.Undefined() {
		db.Owner = s.roleName(n.Owner)
		if _, err := s.findRole(db.Owner); err != nil {
			return err
		}
	}
	if n.PrimaryRegion == "" && (len(n.Regions) > 0 || n.SurvivalGoal != tree.SurvivalGoalDefault) {
		return errorf(codeDatabaseDef, "PRIMARY REGION must be specified if REGIONS or a survival goal are specified")
	}
	if n.PrimaryRegion != "" {
		regions := append(tree.NameList{n.PrimaryRegion}, n.Regions...)
		for _, region := range regions {
			if err := s.checkRegion(string(region)); err != nil {
				return err
			}
			if !slices.Contains(db.Regions, string(region)) {
				db.Regions = append(db.Regions, string(region))
			}
		}
		db.Primary, db.Survive = string(n.PrimaryRegion), "zone"
		if err := setSurvival(db, n.SurvivalGoal); err != nil {
			return err
		}
	}
	return s.tx.put("db/"+name, db)
}

func setSurvival(db *database, goal tree.SurvivalGoal) error {
	switch goal {
	case tree.SurvivalGoalRegionFailure:
		if len(db.Regions) < minRegions {
			return errorf(codeInvalidParameter, "at least %d regions are required for surviving a region failure", minRegions).
				hint("you must add additional regions to the database using ALTER DATABASE %s ADD REGION <region_name>", db.Name)
		}
		db.Survive = "region"
	case tree.SurvivalGoalZoneFailure:
		db.Survive = "zone"
	}
	return nil
}

func (s *Session) alterRegions(name tree.Name, change func(*database) error) error {
	db, err := s.findDatabase(string(name))
	if err != nil {
		return err
	}
	if ok, err := s.granted(db.Owner, db.Grants, "CREATE"); err != nil {
		return err
	} else if !ok {
		return s.needOwner(db)
	}
	if db.Name == "system" {
		return unsupported("regions of the system database")
	}
	if err := change(db); err != nil {
		return err
	}
	return s.tx.put("db/"+db.Name, db)
}

func (s *Session) primaryRegion(n *tree.AlterDatabasePrimaryRegion) error {
	region := string(n.PrimaryRegion)
	return s.alterRegions(n.Name, func(db *database) error {
		if err := s.checkRegion(region); err != nil {
			return err
		}
		if db.Primary == "" {
			db.Primary, db.Regions, db.Survive = region, []string{region}, "zone"
			return nil
		}
		if !slices.Contains(db.Regions, region) {
			return errorf(codeDatabaseDef, "region %q has not been added to the database", region).
				hint("you must add the region to the database before setting it as primary region, using ALTER DATABASE %s ADD REGION %s", db.Name, n.PrimaryRegion.String())
		}
		db.Primary = region
		return nil
	})
}

func (s *Session) addRegion(n *tree.AlterDatabaseAddRegion) error {
	region := string(n.Region)
	return s.alterRegions(n.Name, func(db *database) error {
		if db.Primary == "" {
			return errorf(codeDatabaseDef, "cannot add region %q to database %q", region, db.Name).
				hint("you must add a PRIMARY REGION first using ALTER DATABASE %s PRIMARY REGION %s", db.Name, n.Region.String())
		}
		if slices.Contains(db.Regions, region) {
			if n.IfNotExists {
				s.Notice("NOTICE", `region "`+region+`" already exists; skipping`)
				return nil
			}
			return errorf(codeDuplicate, "region %q already added to database", region)
		}
		if err := s.checkRegion(region); err != nil {
			return err
		}
		db.Regions = append(db.Regions, region)
		return nil
	})
}

func (s *Session) dropRegion(n *tree.AlterDatabaseDropRegion) error {
	region := string(n.Region)
	return s.alterRegions(n.Name, func(db *database) error {
		if db.Primary == "" {
			return errorf(codeDatabaseDef, "database has no regions to drop")
		}
		if !slices.Contains(db.Regions, region) {
			if n.IfExists {
				s.Notice("NOTICE", `region "`+region+`" is not defined on the database; skipping`)
				return nil
			}
			return errorf(codeUndefinedObject, "region %q has not been added to the database", region)
		}
		if db.Primary == region {
			if len(db.Regions) > 1 {
				return errorf(codeDatabaseDef, "cannot drop region %q", region).
					hint("You must designate another region as the primary region using ALTER DATABASE %s PRIMARY REGION <region name> or remove all other regions before attempting to drop region %q", db.Name, region)
			}
			db.Primary, db.Regions, db.Survive = "", nil, ""
			return nil
		}
		if db.Survive == "region" && len(db.Regions) <= minRegions {
			return errorf(codeInvalidParameter, "at least %d regions are required for surviving a region failure", minRegions).
				hint("you must add additional regions to the database or change the survivability goal")
		}
		if err := s.checkRegionUnused(db, region); err != nil {
			return err
		}
		db.Regions = slices.DeleteFunc(db.Regions, func(name string) bool { return name == region })
		return nil
	})
}

func (s *Session) survive(n *tree.AlterDatabaseSurvivalGoal) error {
	return s.alterRegions(n.Name, func(db *database) error {
		if db.Primary == "" {
			return errorf(codeDatabaseDef, "database must have associated regions before a survival goal can be set").
				hint("you must first add a primary region to the database using ALTER DATABASE %s PRIMARY REGION <region_name>", db.Name)
		}
		return setSurvival(db, n.SurvivalGoal)
	})
}

func (s *Session) dropDatabase(n *tree.DropDatabase) error {
	db := new(database)
	ok, err := s.tx.get("db/"+string(n.Name), db)
	if err != nil {
		return err
	}
	if !ok {
		if n.IfExists {
			return nil
		}
		return errorf(codeNoDatabase, "database %q does not exist", string(n.Name))
	}
	if db.Name == "system" {
		return errorf(codePrivilege, "cannot drop system database")
	}
	if err := s.needOnDatabase(db, "DROP"); err != nil {
		return err
	}
	tables, err := s.tables(db.Name)
	if err != nil {
		return err
	}
	if len(tables) > 0 && n.DropBehavior == tree.DropRestrict {
		return errorf(codeForeign, "database %q is not empty and RESTRICT was specified", db.Name)
	}
	for _, t := range tables {
		if err := s.eraseTable(t); err != nil {
			return err
		}
	}
	s.tx.delete("db/" + db.Name)
	return nil
}

func nullable(text string) Value {
	if text == "" {
		return nil
	}
	return text
}

func strings1(list []string) Value {
	if list == nil {
		return []string{}
	}
	return list
}

func table(columns ...any) *Result {
	result := &Result{}
	for i := 0; i < len(columns); i += 2 {
		result.Columns = append(result.Columns, Column{columns[i].(string), columns[i+1].(Type)})
	}
	return result
}

func (r *Result) add(values ...Value) { r.Rows = append(r.Rows, values) }

// checkRegionUnused refuses to drop a region that a row lives in.
func (s *Session) checkRegionUnused(db *database, region string) error {
	tables, err := s.tables(db.Name)
	if err != nil {
		return err
	}
	for _, t := range tables {
		column := t.column("crdb_region")
		if strings.HasPrefix(t.Locality, "REGIONAL BY TABLE IN") && strings.Contains(t.Locality, `"`+region+`"`) {
			return errorf(codeForeign, "cannot drop region %q: table %q is homed there", region, t.Name)
		}
		if column == nil || t.RegionColumn != column.Name {
			continue
		}
		pairs, err := s.tx.scan(t.prefix())
		if err != nil {
			return err
		}
		for _, pair := range pairs {
			var stored map[string]*string
			if err := json.Unmarshal(pair.value, &stored); err != nil {
				return err
			}
			if value := stored[column.Name]; value != nil && *value == region {
				return errorf(codeForeign, "could not remove enum value %q as it is being used by %q in a row", region, t.Name)
			}
		}
	}
	return nil
}
