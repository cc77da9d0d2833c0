package sqlexec

import (
	"encoding/json"
	"slices"
	"sort"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/privilege"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

func displayNames(list privilege.List) []string {
	var out []string
	for _, kind := range list {
		out = append(out, string(kind.DisplayName()))
	}
	return out
}

// changeGrants adds or takes privileges of a grants map.
func changeGrants(grants map[string][]string, grantee string, privileges []string, add bool) map[string][]string {
	if grants == nil {
		grants = map[string][]string{}
	}
	have := slices.Clone(grants[grantee])
	for _, privilege := range privileges {
		if add {
			if !slices.Contains(have, privilege) && !slices.Contains(have, "ALL") {
				have = append(have, privilege)
			}
		} else if privilege == "ALL" {
			have = nil
		} else {
			have = slices.DeleteFunc(have, func(one string) bool { return one == privilege })
		}
	}
	if slices.Contains(have, "ALL") {
		have = []string{"ALL"}
	}
	sort.Strings(have)
	if len(have) == 0 {
		delete(grants, grantee)
	} else {
		grants[grantee] = have
	}
	return grants
}

func (s *Session) grantees(specs tree.RoleSpecList) ([]string, error) {
	var out []string
	for _, spec := range specs {
		name := s.roleName(spec)
		if name != public {
			if _, err := s.findRole(name); err != nil {
				return nil, err
			}
		}
		out = append(out, name)
	}
	return out, nil
}

func checkPrivileges(privileges, valid []string, object string) error {
	for _, privilege := range privileges {
		if !slices.Contains(valid, privilege) {
			return errorf("0LP01", "invalid privilege type %s for %s", privilege, object)
		}
	}
	return nil
}

// changePrivileges is GRANT and REVOKE on databases, tables and the system.
func (s *Session) changePrivileges(list privilege.List, targets tree.GrantTargetList, specs tree.RoleSpecList, add bool) error {
	privileges := displayNames(list)
	names, err := s.grantees(specs)
	if err != nil {
		return err
	}
	switch {
	case targets.System:
		if err := s.needAdmin("grant system privileges"); err != nil {
			return err
		}
		for _, name := range names {
			if name == public {
				return unsupported("system privileges of public")
			}
			found, err := s.findRole(name)
			if err != nil {
				return err
			}
			found.System = changeGrants(map[string][]string{name: found.System}, name, privileges, add)[name]
			if err := s.tx.put("user/"+name, found); err != nil {
				return err
			}
		}
		return nil
	case len(targets.Databases) > 0:
		if err := checkPrivileges(privileges, databasePrivileges, "database"); err != nil {
			return err
		}
		for _, target := range targets.Databases {
			db, err := s.findDatabase(string(target))
			if err != nil {
				return err
			}
			if err := s.needOwner(db); err != nil {
				return err
			}
			for _, name := range names {
				db.Grants = changeGrants(db.Grants, name, privileges, add)
			}
			if err := s.tx.put("db/"+db.Name, db); err != nil {
				return err
			}
		}
		return nil
	case len(targets.Tables.TablePatterns) > 0 || targets.AllTablesInSchema:
		if err := checkPrivileges(privileges, tablePrivileges, "table"); err != nil {
			return err
		}
		tables, err := s.grantTables(targets)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if ok, err := s.granted(t.Owner, nil, ""); err != nil || !ok {
				if err != nil {
					return err
				}
				return errorf(codePrivilege, "user %s missing WITH GRANT OPTION privilege on table %s", s.User, t.Name)
			}
			for _, name := range names {
				t.Grants = changeGrants(t.Grants, name, privileges, add)
			}
			if err := s.tx.put(t.key(), t); err != nil {
				return err
			}
		}
		return nil
	}
	return unsupported("GRANT and REVOKE on anything but databases, tables and SYSTEM")
}

// defaultPrivileges is ALTER DEFAULT PRIVILEGES, for tables.
func (s *Session) defaultPrivileges(n *tree.AlterDefaultPrivileges) error {
	target, list, specs := n.Grant.Target, n.Grant.Privileges, n.Grant.Grantees
	if !n.IsGrant {
		target, list, specs = n.Revoke.Target, n.Revoke.Privileges, n.Revoke.Grantees
	}
	if target != privilege.Tables {
		return unsupported("ALTER DEFAULT PRIVILEGES on anything but tables")
	}
	privileges := displayNames(list)
	if err := checkPrivileges(privileges, tablePrivileges, "table"); err != nil {
		return err
	}
	grantees, err := s.grantees(specs)
	if err != nil {
		return err
	}
	name := s.database()
	if n.Database != nil {
		name = string(*n.Database)
	}
	db, err := s.findDatabase(name)
	if err != nil {
		return err
	}
	creators := []string{s.User}
	if n.ForAllRoles {
		creators = []string{""}
	} else if len(n.Roles) > 0 {
		if creators, err = s.grantees(n.Roles); err != nil {
			return err
		}
	}
	memberships, err := s.memberships(s.User)
	if err != nil {
		return err
	}
	if db.Defaults == nil {
		db.Defaults = map[string]map[string][]string{}
	}
	for _, creator := range creators {
		if !slices.Contains(memberships, creator) {
			if err := s.needAdmin("alter default privileges of other roles"); err != nil {
				return err
			}
		}
		for _, grantee := range grantees {
			db.Defaults[creator] = changeGrants(db.Defaults[creator], grantee, privileges, n.IsGrant)
		}
	}
	return s.tx.put("db/"+db.Name, db)
}

func (s *Session) showGrants(n *tree.ShowGrants) (*Result, error) {
	wanted := map[string]bool{}
	for _, spec := range n.Grantees {
		wanted[s.roleName(spec)] = true
	}
	each := func(grants map[string][]string, add func(grantee, privilege string)) {
		names := make([]string, 0, len(grants))
		for name := range grants {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			if len(wanted) == 0 || wanted[name] {
				for _, privilege := range grants[name] {
					add(name, privilege)
				}
			}
		}
	}
	withOwners := func(owner string, grants map[string][]string) map[string][]string {
		out := map[string][]string{adminRole: {"ALL"}, rootUser: {"ALL"}}
		for name, list := range grants {
			out[name] = list
		}
		out[owner] = []string{"ALL"}
		return out
	}
	switch {
	case n.Targets != nil && n.Targets.System:
		pairs, err := s.tx.scan("user/")
		if err != nil {
			return nil, err
		}
		grants := map[string][]string{adminRole: {"ALL"}, rootUser: {"ALL"}}
		for _, pair := range pairs {
			var r role
			if err := json.Unmarshal(pair.value, &r); err != nil {
				return nil, err
			}
			if len(r.System) > 0 {
				grants[r.Name] = r.System
			}
		}
		result := table("grantee", String, "privilege_type", String, "is_grantable", Bool)
		each(grants, func(grantee, privilege string) {
			result.add(grantee, privilege, grantee == adminRole || grantee == rootUser)
		})
		return result, nil
	case n.Targets != nil && len(n.Targets.Databases) > 0:
		result := table("database_name", String, "grantee", String, "privilege_type", String, "is_grantable", Bool)
		for _, name := range n.Targets.Databases {
			db, err := s.findDatabase(string(name))
			if err != nil {
				return nil, err
			}
			each(withOwners(db.Owner, db.Grants), func(grantee, privilege string) {
				result.add(db.Name, grantee, privilege, grantee == adminRole || grantee == rootUser || grantee == db.Owner)
			})
		}
		return result, nil
	case n.Targets != nil && len(n.Targets.Tables.TablePatterns) > 0:
		tables, err := s.grantTables(*n.Targets)
		if err != nil {
			return nil, err
		}
		result := table("database_name", String, "schema_name", String, "table_name", String, "grantee", String, "privilege_type", String, "is_grantable", Bool)
		for _, t := range tables {
			each(withOwners(t.Owner, t.Grants), func(grantee, privilege string) {
				result.add(t.Database, "public", t.Name, grantee, privilege, grantee == adminRole || grantee == rootUser || grantee == t.Owner)
			})
		}
		return result, nil
	}
	return nil, unsupported("SHOW GRANTS on anything but databases, tables and SYSTEM")
}
